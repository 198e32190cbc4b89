/** The smallest sensible value that satisfies a JSON Schema. */
import { isObject } from "./json.ts";
import type { JsonObject } from "./json.ts";

/** Deep enough for any real tool; a schema that refers to itself ends here. */
const DEPTH_MAX = 12;
const WORD = "rehearsal";

/**
 * A sample for `schema`: the first of its choices, required properties only, words that say
 * "rehearsal". Keywords beyond type, enum, const, properties, items, the combinators, bounds and
 * local references are ignored.
 */
export function sampleOf(schema: JsonObject): unknown {
  return sampleWithin(schema, { root: schema, name: "", depth: 0 });
}

interface Place {
  readonly root: JsonObject;
  /** Of the property that is filled. */
  readonly name: string;
  readonly depth: number;
}

function sampleWithin(schema: unknown, place: Place): unknown {
  if (!isObject(schema) || place.depth > DEPTH_MAX) return null;
  const inner = { ...place, depth: place.depth + 1 };
  if (typeof schema["$ref"] === "string") {
    return sampleWithin(resolve(schema["$ref"], place.root), inner);
  }
  if ("const" in schema) return schema["const"];
  if (Array.isArray(schema["enum"])) return schema["enum"][0];
  const choices = schema["anyOf"] ?? schema["oneOf"] ?? schema["allOf"];
  if (Array.isArray(choices)) return sampleWithin(choices[0], inner);
  return sampleOfType(schema, inner);
}

function sampleOfType(schema: JsonObject, place: Place): unknown {
  switch (typeName(schema)) {
    case "object":
      return sampleObject(schema, place);
    case "array":
      return Array.from({ length: atLeast(schema, "minItems", 0) }, () =>
        sampleWithin(schema["items"], place),
      );
    case "integer":
    case "number":
      return atLeast(schema, "minimum", 0);
    case "boolean":
      return false;
    case "null":
      return null;
    default:
      return sampleText(schema, place.name);
  }
}

function typeName(schema: JsonObject): unknown {
  const type: unknown = schema["type"] ?? (isObject(schema["properties"]) ? "object" : "string");
  return Array.isArray(type) ? type.find((name) => name !== "null") : type;
}

function sampleObject(schema: JsonObject, place: Place): JsonObject {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const names = required.filter((name): name is string => typeof name === "string");
  return Object.fromEntries(
    names.map((name) => [name, sampleWithin(properties[name] ?? {}, { ...place, name })]),
  );
}

function sampleText(schema: JsonObject, name: string): string {
  const text = name === "title" ? "Rehearsal session" : WORD;
  const cut = text.slice(0, atLeast(schema, "maxLength", text.length));
  return cut.padEnd(atLeast(schema, "minLength", 0), "x");
}

function atLeast(schema: JsonObject, keyword: string, otherwise: number): number {
  const value = schema[keyword];
  return typeof value === "number" ? value : otherwise;
}

function resolve(reference: string, root: JsonObject): unknown {
  if (!reference.startsWith("#")) return {};
  const steps = reference.split("/").slice(1);
  return steps.reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), root);
}
