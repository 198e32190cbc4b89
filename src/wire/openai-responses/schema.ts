/** Fits JSON Schemas to what the Responses API takes: for tools, and for enforced (strict) ones. */
import { isObject } from "../anthropic/value.ts";

type Json = Readonly<Record<string, unknown>>;

const DEPTH_MAX = 32;
/** Keywords whose value is schemas by name. */
const BY_NAME = ["properties", "$defs", "definitions"];
/** Keywords that strict mode refuses. */
const REFUSED = [
  "allOf",
  "oneOf",
  "not",
  "if",
  "then",
  "else",
  "dependentRequired",
  "dependentSchemas",
  "patternProperties",
  "prefixItems",
];
/** One of them has to say what a value is. */
const SAYING = ["type", "$ref", "anyOf", "enum", "const"];

/** The parameters of a function: an object schema always names its properties, if only none. */
export function parametersOf(schema: Json): Json {
  if (schema["type"] === "object" && isObject(schema["properties"])) return schema;
  return { ...schema, type: schema["type"] ?? "object", properties: schema["properties"] ?? {} };
}

/**
 * True where strict mode takes the schema of an object: each object in it is closed and requires all of
 * its properties (OpenAI, "Structured model outputs", supported schemas, read 2026-11-23).
 */
export function fitsStrict(schema: Json): boolean {
  return schema["type"] === "object" && fits(schema, 0);
}

function fits(schema: unknown, depth: number): boolean {
  if (!isObject(schema) || depth > DEPTH_MAX) return false;
  if (REFUSED.some((keyword) => schema[keyword] !== undefined)) return false;
  if (!SAYING.some((keyword) => schema[keyword] !== undefined)) return false;
  if (isOfObjects(schema) && !(schema["additionalProperties"] === false && requiresAll(schema)))
    return false;
  return partsOf(schema).every((part) => fits(part, depth + 1));
}

function isOfObjects({ type, properties }: Json): boolean {
  return (
    type === "object" || isObject(properties) || (Array.isArray(type) && type.includes("object"))
  );
}

function requiresAll(schema: Json): boolean {
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  return Object.keys(properties).every((name) => required.includes(name));
}

function partsOf(schema: Json): readonly unknown[] {
  const { items, anyOf } = schema;
  const named = BY_NAME.flatMap((keyword) => {
    const map = schema[keyword];
    return isObject(map) ? Object.values(map) : [];
  });
  const choices: readonly unknown[] = Array.isArray(anyOf) ? anyOf : [];
  return [...(items === undefined ? [] : [items]), ...choices, ...named];
}
