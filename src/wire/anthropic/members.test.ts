import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { editMembers } from "./members.ts";
import { scanMessagesBody } from "./scan.ts";
import { editMaxTokens, spliceBody, type Edit } from "./splice.ts";

const CHANGE = { remove: ["model", "stream"], add: { version: '"v"', beta: '["b"]' } };

function edited(text: string, cuts: readonly number[] = [], more: readonly Edit[] = []): string {
  const whole = Buffer.from(text);
  const borders = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length];
  borders.sort((left, right) => left - right);
  const chunks = borders.slice(1).map((border, index) => whole.subarray(borders[index], border));
  const scan = scanMessagesBody(chunks);
  assert.ok(scan.ok, text);
  const edits = [...more, ...editMembers(scan.body, chunks, CHANGE)];
  return Buffer.concat(spliceBody(chunks, edits)).toString();
}

const ADDED = '"version":"v","beta":["b"]';

const CASES: readonly (readonly [before: string, after: string])[] = [
  ["{}", `{${ADDED}}`],
  [" { \n} ", ` { \n${ADDED}} `],
  ['{"model":"m"}', `{${ADDED}}`],
  ['{ "model" : "m" , "stream":true }', `{ ${ADDED} }`],
  ['{"model":"m","a":1}', `{"a":1,${ADDED}}`],
  ['{"a":1,"model":"m"}', `{"a":1,${ADDED}}`],
  ['{"a":1, "model":"m", "b":2}', `{"a":1, "b":2,${ADDED}}`],
  ['{"model":"m","stream":false,"a":1}', `{"a":1,${ADDED}}`],
  ['{"model":"m", "a":1 ,"stream" :true}', `{ "a":1 ,${ADDED}}`],
  ['{"a":1,"stream":true,"model":"m","b":2}', `{"a":1,"b":2,${ADDED}}`],
  ['{"mod\\u0065l":"m","a":"\\"model\\":1,"}', `{"a":"\\"model\\":1,",${ADDED}}`],
  ['{"a":{"model":"x","stream":[1]},"model":null}', `{"a":{"model":"x","stream":[1]},${ADDED}}`],
  ['{"model":"a,}\\"b","x":-1.5e3}', `{"x":-1.5e3,${ADDED}}`],
  ['{"version":"own","model":"m"}', '{"version":"own","beta":["b"]}'],
  ['{"b\\u0065ta":null,"version":1}', '{"b\\u0065ta":null,"version":1}'],
  ['{"version":1,"beta":2,"model":"m"}', '{"version":1,"beta":2}'],
  ['{"messages":[{"a":"}"}]\t,\r\n"stream":true}', `{"messages":[{"a":"}"}]\t,${ADDED}}`],
];

for (const [before, after] of CASES) {
  test(`${JSON.stringify(before)} becomes ${JSON.stringify(after)}`, () => {
    assert.equal(edited(before), after);
    assert.equal(
      edited(
        before,
        Array.from(before, (_, index) => index),
      ),
      after,
    );
    assert.doesNotThrow(() => JSON.parse(after));
  });
}

test("an addition of somebody else at the end finds its comma", () => {
  for (const text of ['{"model":"m"}', '{"stream":true,"model":"m"}', '{"a":1,"model":"m"}']) {
    const scan = scanMessagesBody([Buffer.from(text)]);
    assert.ok(scan.ok);
    const after = edited(text, [], [editMaxTokens(scan.body, 7)]);
    assert.deepEqual(Object.keys(JSON.parse(after) as object).toSorted(), [
      ...(text.includes('"a"') ? ["a"] : []),
      "beta",
      "max_tokens",
      "version",
    ]);
  }
});

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const value = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
  fc.constantFrom("-0.5e-3", '"\\u0022,\\\\"', '[[],{"model":"]"}]', "true", "null"),
);
/** Any letter of a key may be written as an escape. */
const spelled = (name: string) =>
  fc.array(fc.boolean(), { minLength: name.length, maxLength: name.length }).map((escapes) => {
    const letters = Array.from(name, (letter, index) =>
      escapes[index] === true ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}` : letter,
    );
    return `"${letters.join("")}"`;
  });
const KEYS = ["model", "stream", "version", "beta", "messages", "system", "x", "models", "é"];
const members = fc
  .uniqueArray(fc.constantFrom(...KEYS), { maxLength: KEYS.length })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .tuple(spelled(name), space, space, space, space, value)
          .map(([key, a, b, c, d, json]) => ({ name, text: `${a}${key}${b}:${c}${json}${d}` })),
      ),
    ),
  );

test("what is not removed stays byte for byte and in order, for any body and any cut", () => {
  fc.assert(
    fc.property(members, space, fc.array(fc.nat(), { maxLength: 6 }), (parts, inside, cuts) => {
      const text = `{${parts.length === 0 ? inside : parts.map((part) => part.text).join(",")}}`;
      const after = edited(text, cuts);
      const parsed = JSON.parse(text) as Record<string, unknown>;
      const { model: _model, stream: _stream, ...kept } = parsed;
      assert.deepEqual(JSON.parse(after), {
        version: "v",
        beta: ["b"],
        ...kept,
      });
      const names = new Set(parts.map(({ name }) => name));
      const added = [
        names.has("version") ? "" : '"version":"v"',
        names.has("beta") ? "" : '"beta":["b"]',
      ];
      const stays = parts.filter(({ name }) => name !== "model" && name !== "stream");
      const expected = [
        ...stays.map((part) => part.text.trim()),
        ...added.filter((one) => one !== ""),
      ];
      // Spaces between members may go with a neighbour; those inside a member never do.
      let from = 0;
      for (const part of expected) {
        const at = after.indexOf(part, from);
        assert.ok(at >= from && /^[\s,{]*$/.test(after.slice(from, at)), `${after} lacks ${part}`);
        from = at + part.length;
      }
      assert.match(after.slice(from), /^[\s{]*\}$/);
    }),
    { seed: 20261123, numRuns: 1500 },
  );
});
