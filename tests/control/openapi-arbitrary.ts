/** Values made from the API's own schemas: as they ask, and one step beside. */
import fc from "fast-check";
import { faultsOf, resolved, type Components, type Schema } from "./openapi-schema.ts";

/** Texts that have broken parsers, paths, logs, shells and queries before. */
export const HOSTILE = [
  "",
  " ",
  "\u0000",
  "\u202Eabc",
  "é🦄",
  "../../etc/passwd",
  "%00",
  "%2e%2e",
  "a/b",
  "a?b#c",
  "' OR 1=1 --",
  "<script>alert(1)</script>",
  "__proto__",
  "constructor",
  "toString",
  "-0",
  "1e999",
  "null",
  "\r\nx-injected: 1",
  "$\u007Bjndi:ldap://x}",
  "\uD800",
  "x".repeat(300),
] as const;

/** Values of no particular type. */
const JUNK = [null, true, false, 0, -1, 1.5, 1e300, [], {}, [null], [[]], { a: 1 }, [{}]] as const;

/** Values for fields that must name something that is there; by the field's name. */
export type Hints = Readonly<Record<string, readonly unknown[]>>;

export class Maker {
  readonly #components: Components;
  readonly #hints: Hints;

  constructor(components: Components, hints: Hints) {
    this.#components = components;
    this.#hints = hints;
  }

  /** The least that a schema asks for, by its hints. */
  least(given: Schema, name = ""): unknown {
    const schema = resolved(given, this.#components);
    const [hint] = this.#hints[name] ?? [];
    if (hint !== undefined) return hint;
    if (schema.type === "object") {
      const required = schema.required ?? [];
      return Object.fromEntries(
        required.map((field) => [field, this.least(schema.properties?.[field] ?? {}, field)]),
      );
    }
    return fc.sample(this.valid(schema, name), { numRuns: 1, seed: 1 })[0];
  }

  /** Values that are as described; of fields with hints mostly those. */
  valid(given: Schema, name = ""): fc.Arbitrary<unknown> {
    const schema = resolved(given, this.#components);
    const hints = this.#hints[name];
    const plain = this.#plain(schema);
    if (hints === undefined || schema.type === "object" || schema.type === "array") return plain;
    const fitting = hints.filter((hint) => this.#fits(schema, hint));
    if (fitting.length === 0) return plain;
    return fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...fitting) },
      { weight: 1, arbitrary: plain },
    );
  }

  /** Values that are not as described: of another type, out of bounds, or with one thing wrong inside. */
  invalid(given: Schema): fc.Arbitrary<unknown> {
    const schema = resolved(given, this.#components);
    const wrong = fc.constantFrom<unknown>(...JUNK, ...HOSTILE);
    const inner =
      schema.anyOf?.flatMap((each) => this.#wrongInside(each)) ?? this.#wrongInside(schema);
    return fc.oneof(wrong, ...inner).filter((value) => !this.#fits(schema, value));
  }

  #wrongInside(given: Schema): fc.Arbitrary<unknown>[] {
    const schema = resolved(given, this.#components);
    const { items, properties = {}, required = [] } = schema;
    if (items !== undefined) return [this.invalid(items).map((each) => [each])];
    if (Object.keys(properties).length === 0) return [];
    const least = this.least(schema) as object;
    const fields = Object.entries(properties).map(([field, each]) =>
      this.invalid(each).map((value) => ({ ...least, [field]: value })),
    );
    const without = required.map((field) =>
      fc.constant(Object.fromEntries(Object.entries(least).filter(([name]) => name !== field))),
    );
    return [...fields, ...without, fc.constant({ ...least, not_a_field: 1 })];
  }

  #plain(schema: Schema): fc.Arbitrary<unknown> {
    if (schema.anyOf !== undefined)
      return fc.oneof(...schema.anyOf.map((each) => this.valid(each)));
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    const [type] = typeof schema.type === "string" ? [schema.type] : (schema.type ?? ["object"]);
    switch (type) {
      case "integer":
        return fc.integer(boundsOf(schema));
      case "number":
        return fc.integer({ min: 1, max: 1000 }).map((value) => value / 4);
      case "null":
        return fc.constant(null);
      case "boolean":
        return fc.boolean();
      case "array":
        return fc.array(this.valid(schema.items ?? {}), { maxLength: 2 });
      case "object":
        return this.#object(schema);
      default:
        return textOf(schema).filter((value) => this.#fits(schema, value));
    }
  }

  #object(schema: Schema): fc.Arbitrary<unknown> {
    const { properties = {}, required = [], propertyNames, additionalProperties: more } = schema;
    if (typeof more === "object") {
      const names = this.valid(propertyNames ?? { type: "string" }) as fc.Arbitrary<string>;
      return fc.dictionary(names, this.valid(more), { maxKeys: 2 });
    }
    const fields = Object.entries(properties).map(([name, each]) => [name, this.valid(each, name)]);
    return fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>, {
      requiredKeys: [...required],
    });
  }

  #fits(schema: Schema, value: unknown): boolean {
    return faultsOf(schema, value, this.#components).length === 0;
  }
}

function boundsOf({ minimum = 0, maximum = 1_000_000 }: Schema) {
  return { min: minimum, max: Math.min(maximum, 2_147_483_647) };
}

const MOMENT = fc
  .date({ min: new Date("0001-01-01"), max: new Date("9998-12-31"), noInvalidDate: true })
  .map((date) => date.toISOString());

function textOf({ pattern, format, minLength = 0, maxLength = 300 }: Schema): fc.Arbitrary<string> {
  if (format === "date-time") return MOMENT;
  const hostile = fc.constantFrom<string>(...HOSTILE);
  if (pattern === undefined) {
    const free = fc.string({ unit: "grapheme", minLength, maxLength: Math.min(maxLength, 40) });
    return fc.oneof(free, hostile);
  }
  // Generators know no classes of characters by name.
  const source = pattern.replaceAll(String.raw`\p{C}`, String.raw`\x00-\x1f\x7f`);
  return fc.oneof(fc.stringMatching(new RegExp(source)), hostile);
}
