/** How a conversation's opening is found: the same in all its requests, another in any other's. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { openingOf, type Opening } from "./opening.ts";
import { scanMessagesBody } from "./scan.ts";

const prompt = { role: "user", content: 'Say "assistant", please.' };
const system = { role: "system", content: [{ type: "text", text: "Tools: {[\\" }] };
const answer = { role: "assistant", content: [{ type: "text", text: "Yes." }] };
const call = { type: "tool_use", id: "toolu_1", name: "Bash", input: {} };
const next = { role: "user", content: "Go on." };

/** The body in chunks of `chunkBytes`. */
function opening(messages: unknown, salt = "ada", chunkBytes = Infinity): Opening | null {
  const bytes = Buffer.from(JSON.stringify({ model: "m", messages, stream: true }));
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    chunks.push(bytes.subarray(at, Math.min(bytes.length, at + chunkBytes)));
  const scanned = scanMessagesBody(chunks);
  assert.ok(scanned.ok);
  return openingOf(scanned.body, chunks, salt);
}

describe("the opening of a conversation", () => {
  test("is the same however long it has become and however it arrives", () => {
    const first = opening([prompt, system, answer, next]);
    assert.ok(first !== null);
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(answer, next, system)),
        fc.integer({ min: 1, max: 400 }),
        (more, chunkBytes) => {
          const again = opening([prompt, system, answer, ...more], "ada", chunkBytes);
          assert.deepEqual(again, first);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("is another for other words, another answer, another key", () => {
    const digests = [
      opening([prompt, answer]),
      opening([next, answer]),
      opening([prompt, { ...answer, content: "No." }]),
      opening([prompt, system, answer]),
      opening([prompt, answer], "bob"),
    ].map((found) => found?.digest);
    assert.equal(new Set(digests).size, digests.length);
  });

  test("cannot be equal by chance where the answer has a tool call's id or a signature", () => {
    const thought = { type: "thinking", thinking: "", signature: "EqQB" };
    const found = (content: readonly object[]) =>
      opening([prompt, { role: "assistant", content }])?.isDistinctive;
    assert.deepEqual([found(answer.content), found([call]), found([thought])], [false, true, true]);
  });

  test("is not there before the first answer, too far in, or without messages", () => {
    const long = { role: "user", content: "x".repeat(200_000) };
    const none: unknown[] = [
      [prompt],
      [prompt, system, next],
      [],
      "text",
      [long, answer],
      [answer, long].toReversed(),
      ["assistant", 1, null],
    ];
    for (const messages of none) assert.equal(opening(messages), null);
    assert.ok(opening([answer, long]) !== null);
    const around = [127_900, 128 * 1024 - 60, 131_020, 131_060];
    for (const length of around) opening([{ role: "user", content: "x".repeat(length) }, answer]);
  });
});
