/** JSON Schemas of the API's description: what has a name stands once, among its components. */
import { z } from "zod";

export type JsonSchema = Readonly<Record<string, unknown>>;

const OWN = "#/$defs/";
const SHARED = "#/components/schemas/";

/** Collects what has a name (`meta({ id })`) while schemas are written. */
export class SchemaBook {
  readonly #named = new Map<string, JsonSchema>();

  /** @param io what is sent ("input", before defaults) or what is answered. */
  schemaOf(schema: z.ZodType, io: "input" | "output"): JsonSchema {
    const made = z.toJSONSchema(schema, {
      io,
      override: ({ jsonSchema }) => {
        if (io === "output") withoutBounds(jsonSchema);
      },
    });
    const text = JSON.stringify(made).replaceAll(`"$ref":"${OWN}`, `"$ref":"${SHARED}`);
    const { $schema: _, $defs = {}, ...rest } = JSON.parse(text) as typeof made;
    for (const [name, named] of Object.entries($defs)) this.#named.set(name, named);
    return rest;
  }

  /** All that has been named so far, by name. */
  components(): Readonly<Record<string, JsonSchema>> {
    const byName = [...this.#named].sort(([left], [right]) => (left < right ? -1 : 1));
    return Object.fromEntries(byName);
  }
}

/** What a JSON number can hold exactly is of interest to who sends it only. */
function withoutBounds(schema: { minimum?: number; maximum?: number }): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}
