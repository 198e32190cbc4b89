/** Calls made from the API's description: as it allows them, and with exactly one thing wrong. */
import fc from "fast-check";
import { HOSTILE, Maker, type Hints } from "./openapi-arbitrary.ts";
import type { Sent } from "./openapi-desk.ts";
import type { Operation, Parameter } from "./openapi-document.ts";
import { faultsOf, resolved, type Components, type Schema } from "./openapi-schema.ts";

/** A call with one thing wrong, and what the answer must name. */
export interface WrongCall {
  readonly sent: Sent;
  /** A parameter, a header, or the field at the top of the body; null: the body as a whole. */
  readonly named: string | null;
}

/** What may stand in the place of `{id}`, by path: the first ones are there. */
export type Ids = (operation: Operation) => readonly string[];

const JSON_TYPE = "application/json";
const CSV_TYPE = "text/csv";
const CSRF = "x-tollgate-csrf";

export class Caller {
  readonly #maker: Maker;
  readonly #components: Components;
  readonly #ids: Ids;
  #made = 0;

  constructor(components: Components, of: { readonly hints: Hints; readonly ids: Ids }) {
    this.#maker = new Maker(components, of.hints);
    this.#components = components;
    this.#ids = of.ids;
  }

  /** The least that is needed, in each type of body that is taken; with all types of answers. */
  least(operation: Operation): Sent[] {
    const types = Object.keys(operation.requestBody?.content ?? { none: true });
    return types.map((type) => ({
      ...this.#target(operation),
      query: this.#leastQuery(operation),
      ...this.#leastBody(operation, type),
    }));
  }

  /** The parameters that are needed, but for one that is sent otherwise. */
  #leastQuery({ parameters }: Operation, but = ""): readonly (readonly [string, string])[] {
    return parameters
      .filter((each) => each.in === "query" && each.required && each.name !== but)
      .map(({ name, schema }) => [name, String(this.#maker.least(schema, name))]);
  }

  /** Calls as the description allows them; whether they make sense is another thing. */
  valid(operation: Operation): fc.Arbitrary<Sent> {
    const { parameters } = operation;
    const ids = fc.oneof(
      { weight: 5, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.constantFrom(...HOSTILE.filter((id) => id !== "")) },
      { weight: 1, arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }) },
    );
    const asked = (place: Parameter["in"]) =>
      fc.record(
        Object.fromEntries(
          parameters
            .filter((each) => each.in === place)
            .map(({ name, schema }) => [name, this.#maker.valid(schema, name)]),
        ),
        {
          requiredKeys: parameters
            .filter((each) => each.in === place && each.required)
            .map(({ name }) => name),
        },
      );
    const body = this.#validBody(operation);
    return fc
      .record({ id: ids, query: asked("query"), headers: asked("header"), body })
      .map(({ id, query, headers, body: made }) => ({
        ...this.#target(operation),
        ...(id === null || !operation.path.includes("{id}") ? {} : { id }),
        query: Object.entries(query).map(([name, value]) => [name, String(value)] as const),
        ...made,
        headers: { ...printable(headers), ...made.headers },
      }));
  }

  /** Calls that are right but for one thing. */
  wrong(operation: Operation): fc.Arbitrary<WrongCall> {
    const right = (): Sent => ({
      ...this.#target(operation),
      query: this.#leastQuery(operation),
      ...this.#leastBody(operation, JSON_TYPE),
    });
    const unknown = fc.constantFrom("x", "__proto__", "limit[]", "Limit").map((name) => ({
      sent: { ...right(), query: [...this.#leastQuery(operation), [name, "1"] as const] },
      named: name,
    }));
    const queries = operation.parameters
      .filter((each) => each.in === "query")
      .flatMap(({ name, schema }) => [
        this.#wrongText(schema).map((value) => ({
          sent: {
            ...right(),
            query: [...this.#leastQuery(operation, name), [name, value] as const],
          },
          named: name,
        })),
        fc.constant({
          sent: {
            ...right(),
            query: [
              ...this.#leastQuery(operation, name),
              [name, "1"] as const,
              [name, "2"] as const,
            ],
          },
          named: name,
        }),
      ]);
    const headers = operation.parameters
      .filter(({ schema, ...each }) => each.in === "header" && schema.minLength !== undefined)
      .map(({ name }) =>
        fc.constantFrom("", "k".repeat(256)).map((value) => {
          const sent = right();
          return { sent: { ...sent, headers: { ...sent.headers, [name]: value } }, named: name };
        }),
      );
    return fc.oneof(unknown, ...queries, ...headers, ...this.#wrongBodies(operation, right));
  }

  /** A text that cannot be read as the parameter; what a schema of texts allows is not wrong. */
  #wrongText(schema: Schema): fc.Arbitrary<string> {
    const isNumber = schema.type === "integer";
    const fits = (text: string): boolean => {
      const value = isNumber && /^-?\d+$/.test(text) ? Number(text) : text;
      return faultsOf(schema, value, this.#components).length === 0;
    };
    const texts = [...HOSTILE, "0", "01", "1e2", "1.0", " 1", "0x10", "99999999999999999"];
    const wrong = texts.filter((text) => !fits(text) || (isNumber && /^0\d|\s/.test(text)));
    return fc.constantFrom(...(wrong.length === 0 ? [""] : wrong));
  }

  #wrongBodies(operation: Operation, right: () => Sent): fc.Arbitrary<WrongCall>[] {
    const given = operation.requestBody?.content[JSON_TYPE]?.schema;
    if (given === undefined) return [];
    const schema = resolved(given, this.#components);
    const withBody = (sent: Sent, body: unknown): Sent => ({ ...sent, body: JSON.stringify(body) });
    const whole = fc.constantFrom<unknown>([], "text", 1, true, [[]]).map((body) => ({
      sent: withBody(right(), body),
      named: null,
    }));
    const fields = Object.entries(schema.properties ?? {}).map(([field, each]) =>
      this.#maker.invalid(each).map((value) => {
        const sent = right();
        const least = JSON.parse(sent.body ?? "{}") as object;
        return { sent: withBody(sent, { ...least, [field]: value }), named: field };
      }),
    );
    const extra = fc.constantFrom("not_a_field", "Id", "constructor").map((field) => {
      const sent = right();
      const least = JSON.parse(sent.body ?? "{}") as object;
      return { sent: withBody(sent, { ...least, [field]: 1 }), named: field };
    });
    const without = (schema.required ?? []).map((field) =>
      fc.constant(null).map(() => {
        const sent = right();
        const least = Object.entries(JSON.parse(sent.body ?? "{}") as object);
        const rest = Object.fromEntries(least.filter(([name]) => name !== field));
        return { sent: withBody(sent, rest), named: field };
      }),
    );
    return [whole, ...fields, extra, ...without];
  }

  #target(operation: Operation): Sent {
    const [id] = this.#ids(operation);
    return operation.path.includes("{id}") && id !== undefined ? { id } : {};
  }

  #leastBody({ requestBody, operationId }: Operation, type: string): Sent {
    const schema = requestBody?.content[type]?.schema;
    if (schema === undefined) return {};
    const id = `made-${++this.#made}`;
    if (type === CSV_TYPE) {
      const headers = { "content-type": CSV_TYPE, accept: CSV_TYPE };
      return { headers, body: `id,team\n${id},platform\n` };
    }
    const least = this.#maker.least(schema) as object;
    const fields = operationId.startsWith("create") && "id" in least ? { ...least, id } : least;
    return { headers: { "content-type": type, [CSRF]: "1" }, body: JSON.stringify(fields) };
  }

  #validBody({ requestBody }: Operation): fc.Arbitrary<Pick<Sent, "body" | "headers">> {
    const content = Object.entries(requestBody?.content ?? {});
    if (content.length === 0) return fc.constant({ headers: {} });
    const bodies = content.map(([type, { schema }]) =>
      this.#maker.valid(schema).map((value) => ({
        headers: { "content-type": type },
        body: type === CSV_TYPE ? String(value) : JSON.stringify(value),
      })),
    );
    return fc.oneof(...bodies);
  }
}

/** Headers carry one line of visible characters. */
function printable(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const shown = Object.entries(headers).map(([name, value]) => [
    name,
    String(value).replaceAll(/[^!-~]/g, "_") || "_",
  ]);
  return Object.fromEntries(shown) as Record<string, string>;
}
