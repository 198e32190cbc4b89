/** Parameters of the API's calls as its description has them: of the path, the query and headers. */
import type { JsonSchema, SchemaBook } from "./openapi-schemas.ts";
import { KEY_CHARACTERS_MAX } from "./idempotency.ts";
import type { Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

const HEADERS = {
  "if-match": {
    description: "The ETag that was read; where it has changed since, the answer is 412.",
    schema: { type: "string" },
  },
  "idempotency-key": {
    description:
      "A repeat with the same key and body within 24 hours changes nothing and gets the first answer; another body is refused with 409. After a restart the answer shows the entity as it is now, and secrets are null.",
    schema: { type: "string", minLength: 1, maxLength: KEY_CHARACTERS_MAX },
  },
} as const;

export function pathParameters({ path, idIs }: Route): readonly Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    description: idIs,
    schema: { type: "string", minLength: 1 },
  }));
}

export function queryParameters({ query }: Route, book: SchemaBook): readonly Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = book.schemaOf(query, "input") as {
    properties?: Readonly<Record<string, JsonSchema>>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    description,
    schema,
  }));
}

export function headerParameters({ headers = [] }: Route): readonly Json[] {
  return headers.map((name) => ({ name, in: "header", required: false, ...HEADERS[name] }));
}
