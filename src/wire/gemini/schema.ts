/** Simplifies a JSON Schema to the subset that Gemini's older `parameters` and `responseSchema` take. */
import { isObject } from "../anthropic/value.ts";

type Json = Readonly<Record<string, unknown>>;

/** What lies deeper, or comes after so many, may be anything. */
const DEPTH_MAX = 32;
const SCHEMAS_MAX = 10_000;
/** Taken over as they are. */
const KEPT = [
  "title",
  "description",
  "default",
  "minItems",
  "maxItems",
  "minLength",
  "maxLength",
  "minProperties",
  "maxProperties",
  "minimum",
  "maximum",
  "pattern",
  "nullable",
] as const;
/** Kept, rewritten, or without a say in what fits; every other keyword is a loss. */
const TREATED = new Set<string>([
  ...KEPT,
  "$schema",
  "$id",
  "$comment",
  "$defs",
  "definitions",
  "const",
  "oneOf",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "type",
  "properties",
  "required",
  "items",
  "enum",
  "anyOf",
  "format",
]);
const FORMATS = new Set(["enum", "date-time", "float", "double", "int32", "int64"]);
const TYPES = new Set(["string", "number", "integer", "boolean", "array", "object"]);

/** A schema of the subset; `isWhole` is false where something of the original is not in it. */
export interface PlainSchema {
  readonly schema: Json;
  readonly isWhole: boolean;
}

/**
 * The nearest schema that Gemini's `Schema` message can say: references resolved, `const`, `oneOf`, `allOf`,
 * lists of types and exclusive bounds rewritten, the rest left out.
 * Source: ai.google.dev/api/caching#Schema, compared 2026-11-23.
 */
export function plainSchema(schema: Json): PlainSchema {
  const reader = new Simplifier(schema);
  const plain = reader.simplify(schema, 0);
  return { schema: plain, isWhole: reader.isWhole };
}

class Simplifier {
  readonly #root: Json;
  /** References on the way to here: one that comes again is a cycle, which the subset cannot say. */
  readonly #open: string[] = [];
  #count = 0;
  isWhole = true;

  constructor(root: Json) {
    this.#root = root;
  }

  simplify(schema: unknown, depth: number): Json {
    if (!isObject(schema) || depth > DEPTH_MAX || ++this.#count > SCHEMAS_MAX) {
      // `true` says nothing, so nothing is lost.
      if (schema !== true) this.isWhole = false;
      return {};
    }
    const opened = this.#open.length;
    const flat = this.#flat(schema, depth);
    const out: Record<string, unknown> = {};
    for (const key of KEPT) if (flat[key] !== undefined) out[key] = flat[key];
    this.#type(flat, out, depth);
    this.#bounds(flat, out);
    this.#values(flat, out);
    this.#variants(flat, out, depth);
    this.#inside(flat, out, depth);
    if (typeof flat["format"] === "string" && FORMATS.has(flat["format"]))
      out["format"] = flat["format"];
    else if (flat["format"] !== undefined) this.isWhole = false;
    if (Object.keys(flat).some((key) => !TREATED.has(key))) this.isWhole = false;
    this.#open.length = opened;
    return Array.isArray(out["anyOf"]) ? this.#alone(out, out["anyOf"] as Json[]) : out;
  }

  /** The schema with its reference and its `allOf` merged into it. */
  #flat(schema: Json, depth: number): Json {
    const { $ref: reference, allOf, ...own } = schema;
    let flat: Json = own;
    if (reference === undefined && !Array.isArray(allOf)) return flat;
    if (depth >= DEPTH_MAX) {
      this.isWhole = false;
      return flat;
    }
    if (reference !== undefined)
      flat = { ...this.#flat(this.#resolve(reference), depth + 1), ...flat };
    if (!Array.isArray(allOf)) return flat;
    for (const part of allOf) if (isObject(part)) flat = merge(flat, this.#flat(part, depth + 1));
    return flat;
  }

  /** What a local reference ("#/$defs/a") points to; nothing for any other, and within a cycle. */
  #resolve(reference: unknown): Json {
    let found: unknown;
    if (
      typeof reference === "string" &&
      reference.startsWith("#") &&
      !this.#open.includes(reference)
    ) {
      this.#open.push(reference);
      found = this.#root;
      for (const step of reference.slice(1).split("/").slice(1)) {
        const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
        found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
      }
    }
    if (isObject(found)) return found;
    this.isWhole = false;
    return {};
  }

  #type(flat: Json, out: Record<string, unknown>, depth: number): void {
    const named = Array.isArray(flat["type"]) ? flat["type"] : [flat["type"]];
    const types = named.filter((type) => typeof type === "string" && TYPES.has(type)) as string[];
    if (named.includes("null")) out["nullable"] = true;
    const [first, ...more] = types;
    if (first === undefined) {
      const implied = impliedType(flat);
      if (implied !== null) out["type"] = implied;
    } else if (more.length === 0) out["type"] = first.toUpperCase();
    else out["anyOf"] = types.map((type) => this.simplify(onlyFor(type, flat), depth + 1));
  }

  #bounds(flat: Json, out: Record<string, unknown>): void {
    const step = flat["type"] === "integer" ? 1 : 0;
    const above = flat["exclusiveMinimum"];
    const below = flat["exclusiveMaximum"];
    if (typeof above === "number" && out["minimum"] === undefined) out["minimum"] = above + step;
    if (typeof below === "number" && out["maximum"] === undefined) out["maximum"] = below - step;
    if (step === 0 && (above !== undefined || below !== undefined)) this.isWhole = false;
  }

  /** `enum` and `const` of texts stay; of anything else they go into the description. */
  #values(flat: Json, out: Record<string, unknown>): void {
    const values: unknown = Object.hasOwn(flat, "const") ? [flat["const"]] : flat["enum"];
    if (!Array.isArray(values)) return;
    const set = values.filter((value) => value !== null);
    if (set.length < values.length) out["nullable"] = true;
    if (set.length > 0 && set.every((value) => typeof value === "string" && value !== "")) {
      out["type"] = "STRING";
      out["enum"] = set;
      return;
    }
    this.isWhole = false;
    if (set.length === 0) return;
    const choice = `One of: ${set.map((value) => JSON.stringify(value)).join(", ")}.`;
    const said = typeof flat["description"] === "string" ? `${flat["description"]} ` : "";
    out["description"] = said + choice;
  }

  #variants(flat: Json, out: Record<string, unknown>, depth: number): void {
    const variants = flat["anyOf"] ?? flat["oneOf"];
    if (!Array.isArray(variants)) return;
    if (isObject(flat["properties"])) {
      // Mostly rules about which properties go together: the properties say more.
      this.isWhole = false;
      return;
    }
    const others = variants.filter((variant) => !isNullSchema(variant));
    if (others.length < variants.length) out["nullable"] = true;
    const inner = others.map((variant) => this.simplify(variant, depth + 1));
    // One variant besides null is the schema itself.
    if (inner.length === 1) Object.assign(out, { ...inner[0], ...out });
    else if (inner.length > 1) out["anyOf"] = inner;
  }

  /** Nothing may stand beside `anyOf`: what says something goes into the variants. */
  #alone({ description, nullable }: Json, variants: readonly Json[]): Json {
    const shared = {
      ...(description === undefined ? {} : { description }),
      ...(nullable === undefined ? {} : { nullable }),
    };
    const flat = variants.flatMap((variant) =>
      Array.isArray(variant["anyOf"]) ? (variant["anyOf"] as Json[]) : [variant],
    );
    return { anyOf: flat.map((variant) => ({ ...shared, ...variant })) };
  }

  #inside(flat: Json, out: Record<string, unknown>, depth: number): void {
    const { properties, required, items } = flat;
    if (isObject(properties)) {
      const entries = Object.entries(properties);
      if (entries.length > 0)
        out["properties"] = Object.fromEntries(
          entries.map(([name, inner]) => [name, this.simplify(inner, depth + 1)]),
        );
      const known = Array.isArray(required)
        ? required.filter((name) => typeof name === "string" && Object.hasOwn(properties, name))
        : [];
      if (known.length > 0) out["required"] = known;
    }
    if (out["type"] !== "ARRAY") return;
    const inner = isObject(items) ? this.simplify(items, depth + 1) : {};
    // An array whose items have no type is refused; texts can say anything.
    const isTyped = inner["type"] !== undefined || inner["anyOf"] !== undefined;
    if (!isTyped) this.isWhole = false;
    out["items"] = isTyped ? inner : { type: "STRING", ...inner };
  }
}

function isNullSchema(schema: unknown): boolean {
  return isObject(schema) && schema["type"] === "null";
}

/** What a schema of several types says of one of them. */
function onlyFor(type: string, { items, properties, required }: Json): Json {
  if (type === "array") return { type, items };
  return type === "object" ? { type, properties, required } : { type };
}

function impliedType(flat: Json): string | null {
  if (isObject(flat["properties"])) return "OBJECT";
  return flat["items"] === undefined ? null : "ARRAY";
}

function merge(left: Json, right: Json): Json {
  const properties = { ...objectOr(left["properties"]), ...objectOr(right["properties"]) };
  const required = [...listOr(left["required"]), ...listOr(right["required"])];
  return {
    ...right,
    ...left,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required: [...new Set(required)] } : {}),
  };
}

function objectOr(value: unknown): Json {
  return isObject(value) ? value : {};
}

function listOr(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
