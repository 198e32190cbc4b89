/** Holds values against the JSON Schemas of the API's description; knows exactly the keywords that it uses. */

/** The part of JSON Schema (draft 2020-12) that the description uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly items?: Schema;
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
}

export type Components = Readonly<Record<string, Schema>>;

const KEYWORDS: Readonly<Record<keyof Schema, true>> = {
  $ref: true,
  type: true,
  enum: true,
  const: true,
  anyOf: true,
  properties: true,
  required: true,
  additionalProperties: true,
  propertyNames: true,
  items: true,
  pattern: true,
  format: true,
  minLength: true,
  maxLength: true,
  minimum: true,
  maximum: true,
  exclusiveMinimum: true,
  title: true,
  description: true,
  default: true,
};
const REFERENCE = "#/components/schemas/";
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** The schema itself, where this one refers to another. @throws Error where there is none of that name. */
export function resolved(schema: Schema, components: Components): Schema {
  if (schema.$ref === undefined) return schema;
  const named = components[schema.$ref.replace(REFERENCE, "")];
  if (!schema.$ref.startsWith(REFERENCE) || named === undefined) throw new Error(schema.$ref);
  return resolved(named, components);
}

/** What is wrong with a value, a sentence each with its path; none: it is as described. */
export function faultsOf(schema: Schema, value: unknown, components: Components): string[] {
  return new Holder(components).faults(schema, value, "$");
}

/** A schema and all within it, with their paths; references are not followed. */
export function* schemasIn(schema: Schema, at = "$"): Generator<readonly [string, Schema]> {
  yield [at, schema];
  const { properties = {}, items, propertyNames, additionalProperties: more, anyOf = [] } = schema;
  const inner: [string, Schema | undefined][] = [
    ...Object.entries(properties),
    ["[]", items],
    ["names", propertyNames],
    ["*", typeof more === "object" ? more : undefined],
    ...anyOf.map((each, index): [string, Schema] => [`|${index}`, each]),
  ];
  for (const [name, each] of inner) if (each !== undefined) yield* schemasIn(each, `${at}.${name}`);
}

/** Whether `faultsOf` knows all keywords of a schema. */
export function isKnown(schema: Schema): boolean {
  return Object.keys(schema).every((keyword) => keyword in KEYWORDS);
}

class Holder {
  readonly #components: Components;

  constructor(components: Components) {
    this.#components = components;
  }

  faults(given: Schema, value: unknown, at: string): string[] {
    const schema = resolved(given, this.#components);
    const { anyOf } = schema;
    if (anyOf !== undefined) {
      const tried = anyOf.map((each) => this.faults(each, value, at));
      if (tried.every((faults) => faults.length > 0)) return tried.flat();
    }
    if (!isOfType(schema, value)) return [`${at} is not ${String(schema.type)}: ${show(value)}`];
    if (schema.enum !== undefined && !schema.enum.includes(value))
      return [`${at} is none of ${schema.enum.join(", ")}: ${show(value)}`];
    if ("const" in schema && schema.const !== value) return [`${at} is not ${show(schema.const)}`];
    if (typeof value === "string") return textFaults(schema, value, at);
    if (typeof value === "number") return numberFaults(schema, value, at);
    if (Array.isArray(value))
      return value.flatMap((each, index) =>
        schema.items === undefined ? [] : this.faults(schema.items, each, `${at}[${index}]`),
      );
    return typeof value === "object" && value !== null
      ? this.#objectFaults(schema, value as Readonly<Record<string, unknown>>, at)
      : [];
  }

  #objectFaults(schema: Schema, value: Readonly<Record<string, unknown>>, at: string): string[] {
    const { properties = {}, required = [], additionalProperties = true, propertyNames } = schema;
    const missing = required.filter((name) => !Object.hasOwn(value, name));
    const faults = missing.map((name) => `${at}.${name} is missing`);
    for (const [name, each] of Object.entries(value)) {
      const here = `${at}.${name}`;
      const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (known !== undefined) faults.push(...this.faults(known, each, here));
      else if (additionalProperties === false) faults.push(`${here} is not described`);
      else if (additionalProperties !== true)
        faults.push(...this.faults(additionalProperties, each, here));
      if (propertyNames !== undefined) faults.push(...this.faults(propertyNames, name, here));
    }
    return faults;
  }
}

function isOfType({ type }: Schema, value: unknown): boolean {
  if (type === undefined) return true;
  const types = typeof type === "string" ? [type] : type;
  return types.some((each) => {
    if (each === "null") return value === null;
    if (each === "array") return Array.isArray(value);
    if (each === "integer") return Number.isInteger(value);
    if (each === "object")
      return typeof value === "object" && value !== null && !Array.isArray(value);
    return typeof value === each;
  });
}

function textFaults(schema: Schema, value: string, at: string): string[] {
  const { pattern, format, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
  const { length } = Array.from(value);
  const fits = length >= minLength && length <= maxLength;
  if (!fits) return [`${at} has ${length} characters`];
  if (pattern !== undefined && !new RegExp(pattern, "u").test(value))
    return [`${at} does not match ${pattern}: ${show(value)}`];
  if (format === "date-time" && !(DATE_TIME.test(value) && !Number.isNaN(Date.parse(value))))
    return [`${at} is no moment: ${show(value)}`];
  return [];
}

function numberFaults(schema: Schema, value: number, at: string): string[] {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = schema;
  const fits = value >= minimum && value <= maximum && value > exclusiveMinimum;
  return fits ? [] : [`${at} is out of its bounds: ${value}`];
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? "undefined").slice(0, 80);
}
