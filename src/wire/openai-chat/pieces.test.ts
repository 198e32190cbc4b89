import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { openaiChat } from "./egress.ts";

type Json = Readonly<Record<string, unknown>>;

const words = fc.string({ minLength: 1, maxLength: 12 });
const calls = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/),
    name: fc.stringMatching(/^[a-z_]{1,12}$/),
    input: fc
      .dictionary(words, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 })
      .map((value) => JSON.parse(JSON.stringify(value)) as Json),
  }),
  { maxLength: 4, selector: ({ id }) => id },
);
/** Which call the next piece is of, and how long it is. */
const order = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 9 })), { maxLength: 80 });

type Calls = typeof calls extends fc.Arbitrary<infer T> ? T : never;

/** The deltas of an answer; pieces of its calls come in any order that keeps each call's own. */
function deltasOf(list: Calls, plan: readonly (readonly [number, number])[]): readonly Json[] {
  const deltas: Json[] = [];
  const left = list.map(({ input }) => JSON.stringify(input));
  const begun = new Set<number>();
  const send = (index: number, length: number) => {
    const { id, name } = list[index] ?? {};
    const head = begun.has(index) ? {} : { id, type: "function" };
    const json = (left[index] ?? "").slice(0, length);
    left[index] = (left[index] ?? "").slice(length);
    const named = begun.has(index) ? {} : { name };
    begun.add(index);
    const piece = { index, ...head, function: { ...named, arguments: json } };
    deltas.push({ tool_calls: [piece] });
  };
  for (const [pick, length] of plan) {
    // A call begins only after the one before it.
    const most = Math.min(list.length, begun.size + 1);
    if (most > 0) send(pick % most, length);
  }
  for (const index of list.keys()) send(index, Infinity);
  return deltas;
}

it("an answer in pieces, however they interleave, is the same answer, block after block", () => {
  const parts = fc.record({ thinking: fc.array(words), text: fc.array(words), calls, order });
  fc.assert(
    fc.property(parts, ({ thinking, text, calls: list, order: plan }) => {
      const deltas = [
        ...thinking.map((piece) => ({ reasoning_content: piece })),
        ...text.map((piece) => ({ content: piece })),
        ...deltasOf(list, plan),
      ];
      const chunks = [
        ...deltas.map((delta) => ({ choices: [{ index: 0, delta, finish_reason: null }] })),
        { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      ];
      const body = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
      const expected = [
        ...(thinking.length === 0
          ? []
          : [{ type: "thinking", thinking: thinking.join(""), signature: "" }]),
        ...(text.length === 0 ? [] : [{ type: "text", text: text.join("") }]),
        ...list.map((call) => ({ type: "tool_use", ...call })),
      ];
      const whole = JSON.parse(translated(body, false)) as {
        content: unknown;
        stop_reason: string;
      };
      assert.deepEqual(whole.content, expected);
      assert.equal(whole.stop_reason, list.length > 0 ? "tool_use" : "end_turn");
      assertSequential(translated(body, true), expected.length);
    }),
    { seed: 23, numRuns: 400 },
  );
});

function translated(body: string, streamed: boolean): string {
  const context = { streamed, id: "msg_1", model: "claude", quirks: new Set<never>() };
  const translator = openaiChat.answer(context);
  const pieces = [translator.feed(Buffer.from(body)), translator.end()];
  assert.equal(translator.isWhole(), true);
  return pieces.map((piece) => piece?.toString() ?? "").join("");
}

/** Blocks begin and end one after the other, in the order of their indexes. */
function assertSequential(events: string, blocks: number): void {
  const marks = [...events.matchAll(/"type":"content_block_(start|stop)","index":(\d+)/g)];
  const expected = Array.from({ length: blocks }, (_, index) => [
    `start ${index}`,
    `stop ${index}`,
  ]).flat();
  assert.deepEqual(
    marks.map(([, what, index]) => `${what} ${index}`),
    expected,
  );
}
