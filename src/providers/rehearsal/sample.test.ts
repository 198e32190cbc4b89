import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "./json.ts";
import { sampleOf } from "./sample.ts";

const TITLE = { type: "string" };
const CASES: readonly (readonly [string, JsonObject, unknown])[] = [
  [
    "the schema of a title request",
    { type: "object", properties: { title: TITLE }, required: ["title"] },
    { title: "Rehearsal session" },
  ],
  ["optional properties are left out", { properties: { a: TITLE } }, {}],
  ["a property without schema", { type: "object", required: ["a"] }, { a: "rehearsal" }],
  ["an enumeration", { enum: ["x", "y"] }, "x"],
  ["a constant", { const: 7 }, 7],
  ["a choice of types", { type: ["null", "integer"], minimum: 3 }, 3],
  ["alternatives", { anyOf: [{ type: "boolean" }, { type: "null" }] }, false],
  [
    "an array with a least length",
    { type: "array", minItems: 2, items: { type: "null" } },
    [null, null],
  ],
  ["an array", { type: "array", items: TITLE }, []],
  ["a short text", { type: "string", maxLength: 3 }, "reh"],
  ["a long text", { type: "string", minLength: 12 }, "rehearsalxxx"],
  [
    "a local reference",
    { properties: { a: { $ref: "#/$defs/n" } }, required: ["a"], $defs: { n: { type: "number" } } },
    { a: 0 },
  ],
  ["a reference elsewhere", { $ref: "https://elsewhere.example/schema" }, "rehearsal"],
  ["no schema at all", {}, "rehearsal"],
];

for (const [name, schema, expected] of CASES) {
  test(`sample of ${name}`, () => assert.deepEqual(sampleOf(schema), expected));
}

test("a schema that refers to itself ends", () => {
  const schema = { type: "object", properties: { child: { $ref: "#" } }, required: ["child"] };
  assert.equal(typeof sampleOf(schema), "object");
});
