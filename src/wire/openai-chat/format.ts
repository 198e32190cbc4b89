/** Structured output: a JSON Schema as `response_format`, or as an instruction where there is none. */
import type { CanonicalRequest } from "../canonical/request.ts";
import { isObject } from "../anthropic/value.ts";
import type { Quirk } from "../egress.ts";
import type { Losing } from "./losses.ts";

type Json = Readonly<Record<string, unknown>>;

interface Format {
  /** The value of `response_format`; null: left out. */
  readonly field: Json | null;
  /** To be added to the system prompt; null: nothing. */
  readonly instruction: string | null;
}

/** How the format of the answer is asked for. JSON mode demands that the prompt speaks of JSON. */
export function formatOf(
  { schema }: CanonicalRequest,
  quirks: ReadonlySet<Quirk>,
  losing: Losing,
): Format {
  if (schema === null) return { field: null, instruction: null };
  if (quirks.has("no-json-schema")) {
    losing.lose("output_config.format");
    const instruction = `Answer with one JSON object and nothing else. It must match this JSON Schema:\n${JSON.stringify(schema)}`;
    return { field: { type: "json_object" }, instruction };
  }
  const named = { name: "answer", schema, ...(isClosed(schema) ? { strict: true } : {}) };
  return { field: { type: "json_schema", json_schema: named }, instruction: null };
}

/** True where every object of the schema is closed and complete, as OpenAI's `strict` demands. */
export function isClosed(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isClosed);
  if (!isObject(schema)) return true;
  const { properties } = schema;
  if (isObject(properties)) {
    const required = Array.isArray(schema["required"]) ? schema["required"] : [];
    if (schema["additionalProperties"] !== false) return false;
    if (!Object.keys(properties).every((name) => required.includes(name))) return false;
  }
  return Object.values(schema).every(isClosed);
}
