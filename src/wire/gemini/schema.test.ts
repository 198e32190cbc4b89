import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { plainSchema } from "./schema.ts";

type Json = Record<string, unknown>;

const CASES: readonly (readonly [string, Json, Json, boolean])[] = [
  [
    "an object of texts and numbers",
    {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: { path: { type: "string", description: "where" }, n: { type: "integer" } },
      required: ["path", "gone"],
    },
    {
      type: "OBJECT",
      properties: { path: { type: "STRING", description: "where" }, n: { type: "INTEGER" } },
      required: ["path"],
    },
    true,
  ],
  [
    "additionalProperties and patternProperties are left out",
    { type: "object", additionalProperties: false, patternProperties: { a: {} } },
    { type: "OBJECT" },
    false,
  ],
  ["const is an enum of one", { const: "a" }, { type: "STRING", enum: ["a"] }, true],
  [
    "numbers to choose from are told in words",
    { type: "integer", enum: [1, 2], description: "Level." },
    { type: "INTEGER", description: "Level. One of: 1, 2." },
    false,
  ],
  [
    "null among texts",
    { enum: ["a", null] },
    { nullable: true, type: "STRING", enum: ["a"] },
    true,
  ],
  ["a type or null", { type: ["string", "null"] }, { nullable: true, type: "STRING" }, true],
  [
    "several types are variants",
    { type: ["string", "array"], items: { type: "number" }, description: "d" },
    {
      anyOf: [
        { description: "d", type: "STRING" },
        { description: "d", type: "ARRAY", items: { type: "NUMBER" } },
      ],
    },
    true,
  ],
  [
    "exclusive bounds of integers are the next integer",
    { type: "integer", exclusiveMinimum: 0, exclusiveMaximum: 10 },
    { type: "INTEGER", minimum: 1, maximum: 9 },
    true,
  ],
  [
    "exclusive bounds of numbers are the bound",
    { type: "number", exclusiveMinimum: 0 },
    { type: "NUMBER", minimum: 0 },
    false,
  ],
  ["a format that is not known", { type: "string", format: "uri" }, { type: "STRING" }, false],
  [
    "a format that is",
    { type: "string", format: "date-time" },
    { type: "STRING", format: "date-time" },
    true,
  ],
  [
    "a reference is what it points to, and what stands beside it wins",
    {
      type: "object",
      properties: { a: { $ref: "#/$defs/x~1y", description: "own" } },
      $defs: { "x/y": { type: "boolean", description: "theirs" } },
    },
    { type: "OBJECT", properties: { a: { type: "BOOLEAN", description: "own" } } },
    true,
  ],
  [
    "a reference twice is no cycle",
    {
      type: "object",
      properties: { a: { $ref: "#/definitions/t" }, b: { $ref: "#/definitions/t" } },
      definitions: { t: { type: "string" } },
    },
    { type: "OBJECT", properties: { a: { type: "STRING" }, b: { type: "STRING" } } },
    true,
  ],
  [
    "a cycle ends in anything",
    { type: "object", properties: { child: { $ref: "#" }, name: { type: "string" } } },
    {
      type: "OBJECT",
      properties: {
        child: { type: "OBJECT", properties: { child: {}, name: { type: "STRING" } } },
        name: { type: "STRING" },
      },
    },
    false,
  ],
  ["a reference to elsewhere", { $ref: "https://example.com/s" }, {}, false],
  ["a reference to itself", { $ref: "#" }, {}, false],
  [
    "oneOf is anyOf, and what says something moves inside",
    { description: "d", oneOf: [{ type: "string" }, { type: "number" }] },
    {
      anyOf: [
        { description: "d", type: "STRING" },
        { description: "d", type: "NUMBER" },
      ],
    },
    true,
  ],
  [
    "one variant or null",
    { anyOf: [{ type: "string" }, { type: "null" }], description: "d" },
    { type: "STRING", description: "d", nullable: true },
    true,
  ],
  [
    "allOf is merged",
    {
      allOf: [
        { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
        { properties: { b: { type: "string" } }, required: ["b"] },
      ],
    },
    {
      type: "OBJECT",
      properties: { a: { type: "STRING" }, b: { type: "STRING" } },
      required: ["a", "b"],
    },
    true,
  ],
  [
    "rules about properties give way to the properties",
    { type: "object", properties: { a: { type: "string" } }, anyOf: [{ required: ["a"] }] },
    { type: "OBJECT", properties: { a: { type: "STRING" } } },
    false,
  ],
  [
    "items without a type are texts",
    { type: "array" },
    { type: "ARRAY", items: { type: "STRING" } },
    false,
  ],
  [
    "anything is anything",
    { properties: { a: true } },
    { type: "OBJECT", properties: { a: {} } },
    true,
  ],
];

describe("the schema subset", () => {
  for (const [name, from, to, isWhole] of CASES)
    test(name, () => assert.deepEqual(plainSchema(from), { schema: to, isWhole }));

  test("has no keyword that Gemini's Schema lacks, whatever is asked", () => {
    const known = new Set(
      (
        "anyOf default description enum format items maxItems maxLength maxProperties maximum minItems " +
        "minLength minProperties minimum nullable pattern properties required title type"
      ).split(" "),
    );
    const name = fc.constantFrom("a", "b", "type", "$ref");
    const { schema } = fc.letrec<{ schema: Json; any: unknown }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 2 },
        fc.constantFrom<unknown>(true, null, 3, "text", { type: "string" }, { type: 5 }),
        tie("schema"),
      ),
      schema: fc.record(
        {
          type: fc.constantFrom("object", "array", "string", ["string", "null"], 7, "null"),
          properties: fc.dictionary(name, tie("any"), { maxKeys: 2 }),
          items: tie("any"),
          anyOf: fc.array(tie("any"), { maxLength: 2 }),
          oneOf: fc.array(tie("any"), { maxLength: 2 }),
          allOf: fc.array(tie("any"), { maxLength: 2 }),
          $ref: fc.constantFrom("#", "#/properties/a", "#/$defs/a", "elsewhere", 3),
          $defs: fc.dictionary(name, tie("any"), { maxKeys: 2 }),
          const: fc.constantFrom("a", 1, null, { a: [] }),
          enum: fc.array(fc.constantFrom("a", 1, null, ""), { maxLength: 3 }),
          required: fc.array(fc.oneof(name, fc.integer())),
          additionalProperties: fc.boolean(),
          exclusiveMinimum: fc.integer(),
          if: tie("any"),
        },
        { requiredKeys: [] },
      ),
    }));
    const check = (plain: Json): void => {
      for (const key of Object.keys(plain)) assert.ok(known.has(key), key);
      if ("anyOf" in plain) assert.deepEqual(Object.keys(plain), ["anyOf"]);
      for (const inner of Object.values((plain["properties"] ?? {}) as Json)) check(inner as Json);
      for (const inner of (plain["anyOf"] ?? []) as Json[]) check(inner);
      if (plain["items"] !== undefined) check(plain["items"] as Json);
    };
    fc.assert(fc.property(schema, (from) => check(plainSchema(from).schema as Json)));
  });

  test("a schema that unfolds without end comes to one", () => {
    const defs: Json = {};
    for (let i = 0; i < 40; i++) {
      const next = { $ref: `#/$defs/d${i + 1}` };
      defs[`d${i}`] = {
        type: "object",
        properties: { a: next, b: next, c: { allOf: [next, next] } },
      };
    }
    const { isWhole } = plainSchema({ $ref: "#/$defs/d0", $defs: defs });
    assert.equal(isWhole, false);
  });
});
