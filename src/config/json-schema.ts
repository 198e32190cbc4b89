/** The JSON Schema of the configuration file, for editors; made from the schema that the loader uses. */
import { z } from "zod";
import { USD, USD_PER_MILLION } from "./scalar.ts";
import { fileSchema } from "./schema.ts";

const AMOUNTS: ReadonlySet<string | undefined> = new Set([USD.source, USD_PER_MILLION.source]);

/** The JSON Schema (draft 2020-12) as the text of `docs/reference/config.schema.json`. */
export function configJsonSchema(): string {
  const schema = z.toJSONSchema(fileSchema, {
    io: "input",
    override: ({ jsonSchema }) => {
      if (!AMOUNTS.has(jsonSchema.pattern)) return;
      // The loader reads an amount that is written without quotes by its digits, not as a float.
      jsonSchema.type = ["string", "number"];
      jsonSchema.minimum = 0;
    },
  });
  const { $schema, ...rest } = schema;
  const head = { $schema, title: "Tollgate configuration", description: "The file tollgate.yaml." };
  return `${JSON.stringify({ ...head, ...rest }, null, 2)}\n`;
}
