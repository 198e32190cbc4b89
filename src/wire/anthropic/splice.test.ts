import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { MessagesBody } from "./body.ts";
import { scanMessagesBody } from "./scan.ts";
import { editMaxTokens, editMaxUses, editModel, spliceBody } from "./splice.ts";
import type { Edit } from "./splice.ts";

function scanned(text: string): MessagesBody {
  const result = scanMessagesBody([Buffer.from(text)]);
  assert.ok(result.ok);
  return result.body;
}

function spliced(text: string, ...edits: Edit[]): string {
  return Buffer.concat(spliceBody([Buffer.from(text)], edits)).toString();
}

const CASES: readonly (readonly [before: string, after: string])[] = [
  ["{}", '{"max_tokens":7,"model":"n"}'],
  [" {\n} ", ' {\n"max_tokens":7,"model":"n"} '],
  ['{"a":1 } ', '{"a":1 ,"max_tokens":7,"model":"n"} '],
  ['{"model":"m"}', '{"model":"n","max_tokens":7}'],
  ['{"max_tokens" : 128000,"model":"m\\"" , "x":"é"}', '{"max_tokens" : 7,"model":"n" , "x":"é"}'],
  ['{"max_tokens":null}', '{"max_tokens":7,"model":"n"}'],
];

for (const [before, after] of CASES) {
  test(`${JSON.stringify(before)} becomes ${JSON.stringify(after)}`, () => {
    const withTokens = spliced(before, editMaxTokens(scanned(before), 7));
    assert.equal(spliced(withTokens, editModel(scanned(withTokens), "n")), after);
    assert.doesNotThrow(() => JSON.parse(after));
  });
}

test("max_uses is set where it stands, added where it is missing, and left alone where the API refuses it", () => {
  const text =
    '{"tools":[{ "type":"web_search_20250305"},{"type":"web_fetch_20250910","max_uses": 1e3 },' +
    '{"type":"code_execution_20260521"},{"max_uses":null,"type":"advisor_20260301"}],"mcp_servers":[{"type":"url"}]}';
  const body = scanned(text);
  const edits = [0, 1, 2, 3, 4, 5].map((index) => editMaxUses(body, index, 3));
  assert.deepEqual(
    edits.map((edit) => edit !== null),
    [true, true, false, true, false, false],
  );
  const after = spliced(text, ...edits.filter((edit) => edit !== null));
  assert.equal(
    after,
    '{"tools":[{"max_uses":3, "type":"web_search_20250305"},{"type":"web_fetch_20250910","max_uses": 3 },' +
      '{"type":"code_execution_20260521"},{"max_uses":3,"type":"advisor_20260301"}],"mcp_servers":[{"type":"url"}]}',
  );
  assert.deepEqual(
    scanned(after).facts.serverTools.map((tool) => tool.maxUses),
    [3, 3, null, 3, null],
  );
});

test("bytes outside the edits are the same memory", () => {
  const chunks = ['{"model":', '"m","messages"', ":[1,2,3]}"].map((text) => Buffer.from(text));
  const result = scanMessagesBody(chunks);
  assert.ok(result.ok);
  const after = spliceBody(chunks, [editModel(result.body, "other")]);
  assert.equal(Buffer.concat(after).toString(), '{"model":"other","messages":[1,2,3]}');
  assert.equal(after[0], chunks[0]);
  assert.equal(after.at(-1), chunks[2]);
  assert.equal(after.at(-2)?.buffer, chunks[1]?.buffer);
  assert.deepEqual(spliceBody(chunks, []), chunks);
});

test("overlapping edits are refused", () => {
  const edits = [
    { start: 0, end: 3, text: "" },
    { start: 2, end: 4, text: "" },
  ];
  assert.throws(() => spliceBody([Buffer.from("abcdef")], edits), RangeError);
});

test("splicing equals slicing the text, for any chunks and edits in any order", () => {
  const edit = fc.record({ gap: fc.nat(6), length: fc.nat(4), text: fc.string({ maxLength: 5 }) });
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.nat(60)),
      fc.array(edit),
      (bytes, cuts, gaps) => {
        const whole = Buffer.from(bytes);
        const edits: Edit[] = [];
        let expected = Buffer.alloc(0);
        let from = 0;
        for (const { gap, length, text } of gaps) {
          const start = Math.min(from + gap + (edits.length > 0 ? 1 : 0), whole.length);
          if (start < from || (edits.length > 0 && start === from)) break;
          const end = Math.min(start + length, whole.length);
          edits.push({ start, end, text });
          expected = Buffer.concat([expected, whole.subarray(from, start), Buffer.from(text)]);
          from = end;
        }
        expected = Buffer.concat([expected, whole.subarray(from)]);
        const borders = [
          0,
          ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b),
          whole.length,
        ];
        const chunks = borders
          .slice(1)
          .map((border, index) => whole.subarray(borders[index], border));
        assert.deepEqual(Buffer.concat(spliceBody(chunks, edits.toReversed())), expected);
      },
    ),
    { seed: 20261123, numRuns: 500 },
  );
});
