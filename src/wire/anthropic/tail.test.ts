/** The end of a conversation is read the same from its bytes as from the parsed body. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { messagesTail, type MessagesTail } from "./tail.ts";
import { scanMessagesBody } from "./scan.ts";

function tailOf(messages: readonly unknown[], chunkBytes = Infinity, indent = 0): MessagesTail {
  const text = JSON.stringify({ model: "m", messages, stream: true }, null, indent);
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    chunks.push(bytes.subarray(at, Math.min(bytes.length, at + chunkBytes)));
  const scanned = scanMessagesBody(chunks, { sessionId: false });
  assert.ok(scanned.ok);
  const range = scanned.body.fields.messages;
  assert.ok(range !== undefined);
  const tail = messagesTail(chunks, range);
  assert.ok(tail !== null);
  return tail;
}

const digest = (value: unknown) => crc32(Buffer.from(JSON.stringify(value)));

/** Words that try to look like structure. */
const words = fc.oneof(
  fc.string(),
  fc.constantFrom('"}]}', '\\"', "\\\\", '{"role":"assistant"}', "]", '\\\\\\"', "é{", "\u0000\n"),
  fc
    .array(fc.constantFrom("\\", '"', "{", "}", "[", "]", ","), { maxLength: 20 })
    .map((all) => all.join("")),
);
const input = fc.dictionary(words, fc.oneof(words, fc.integer(), fc.constant(null)), {
  maxKeys: 3,
});

test("calls, results and words come out as they went in, whatever stands in the strings", () => {
  fc.assert(
    fc.property(
      fc.record({ before: words, tool: fc.constantFrom("Bash", "Edit"), input, result: words }),
      fc.boolean(),
      fc.record({ said: words, chunk: fc.integer({ min: 1, max: 300 }) }),
      fc.constantFrom(0, 1),
      (use, isError, { said, chunk }, indent) => {
        const id = "toolu_1";
        const messages = [
          { role: "user", content: use.before },
          {
            role: "assistant",
            content: [
              { type: "text", text: use.before },
              { type: "tool_use", id, name: use.tool, input: use.input },
            ],
          },
          { role: "system", content: use.before },
          {
            role: "user",
            content: [
              { type: "tool_result", tool_use_id: id, content: use.result, is_error: isError },
              { type: "text", text: said, cache_control: { type: "ephemeral" } },
            ],
          },
        ];
        const tail = tailOf(messages, chunk, indent);
        assert.equal(tail.calls.length, 1);
        const [call] = tail.calls;
        assert.deepEqual([call?.tool, call?.failed], [use.tool, isError]);
        assert.equal(call?.result, digest(use.result));
        if (indent === 0) assert.equal(call?.input, digest(use.input));
        const bytes = Buffer.byteLength(JSON.stringify(said)) - 2;
        assert.equal(tail.text?.bytes, bytes);
      },
    ),
    { numRuns: 300 },
  );
});

test("reminders are nobody's words, and what comes before the last answer is not looked at", () => {
  const tail = tailOf([
    { role: "user", content: "old words" },
    { role: "assistant", content: "an answer" },
    {
      role: "user",
      content: [
        { type: "text", text: "new" },
        { type: "text", text: "<system-reminder>tidy</system-reminder>" },
      ],
    },
  ]);
  assert.deepEqual(tail.text, { bytes: 3, opening: crc32("new") });
  assert.deepEqual(tail.calls, []);
});

test("a result beyond the first window is found, one beyond the last only digested", () => {
  const messages = (bytes: number) => [
    { role: "assistant", content: [{ type: "tool_use", id: "a", name: "Read", input: {} }] },
    {
      role: "user",
      content: [{ type: "tool_result", tool_use_id: "a", content: 'x"'.repeat(bytes / 3) }],
    },
  ];
  assert.equal(tailOf(messages(100_000)).calls.length, 1);
  const [large, larger] = [messages(1_000_000), messages(1_000_002)].map((all) => tailOf(all));
  assert.deepEqual(large?.calls, []);
  assert.equal(large?.digest, tailOf(messages(1_000_000)).digest);
  assert.equal(typeof larger?.digest, "number");
});

test("an empty list has no end", () => {
  assert.equal(messagesTail([Buffer.from('{"messages":[]}')], { start: 12, end: 14 }), null);
});
