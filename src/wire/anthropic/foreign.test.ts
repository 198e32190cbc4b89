import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isForeignSignature, lacksLoopThinking } from "../canonical/foreign.ts";
import { readCanonical } from "../canonical/read.ts";
import { foreignEdits, mayHaveForeignThinking } from "./foreign.ts";
import { scanMessagesBody } from "./scan.ts";
import { spliceBody } from "./splice.ts";

const SEALED = ["", "openai-responses.1.cnM.gAAAA", "tollgate-gemini:n=abc"];
const GENUINE = "EqQBCkgIARABGAIiQL";

const text = (value: string) => ({ type: "text", text: value });
const thinking = (signature: string) => ({ type: "thinking", thinking: "so", signature });
const redacted = (data: string) => ({ type: "redacted_thinking", data });
const call = { type: "tool_use", id: "t1", name: "Read", input: { big: 1 } };
const result = { type: "tool_result", tool_use_id: "t1", content: "x" };

/** What the body becomes, and what is told of it. */
function stripped(json: string, cut = Infinity): { readonly json: string; dropped: unknown } {
  const whole = Buffer.from(json);
  const chunks: Buffer[] = [];
  for (let at = 0; at < whole.length; at += cut) chunks.push(whole.subarray(at, at + cut));
  const scanned = scanMessagesBody(chunks);
  assert(scanned.ok);
  const { edits, dropped } = foreignEdits(scanned.body, chunks);
  return { json: Buffer.concat(spliceBody(chunks, edits)).toString(), dropped };
}

function thinkingOf(json: string): unknown {
  return (JSON.parse(json) as Record<string, unknown>)["thinking"];
}

function bodyOf(messages: unknown, more: object = {}): string {
  return JSON.stringify({ model: "claude-x", max_tokens: 9, ...more, messages });
}

test("a body without foreign thinking stays as it is", () => {
  const quoted = 'I wrote {"signature":""} and openai-responses.1. here';
  const body = bodyOf([
    { role: "user", content: [text(quoted)] },
    { role: "assistant", content: [thinking(GENUINE), text("ok")] },
  ]);
  assert.deepEqual(stripped(body), { json: body, dropped: [] });
  assert.equal(mayHaveForeignThinking([Buffer.from(bodyOf([text('"signature":""')]))]), false);
});

for (const signature of SEALED)
  test(`thinking signed "${signature}" goes, every other byte stays`, () => {
    const foreign = JSON.stringify(thinking(signature));
    const genuine = JSON.stringify(thinking(GENUINE));
    const head =
      '{ "model": "claude-x","max_tokens":9 , "messages" : [ {"role":"user","content":"é"},';
    const before = `${head}{"content": [${foreign} ,${genuine}, {"type":"text","text":"a","n":1.0}, ${foreign}],"role":"assistant"},{"role":"user","content":"go"}] }`;
    const after = `${head}{"content": [${genuine}, {"type":"text","text":"a","n":1.0}],"role":"assistant"},{"role":"user","content":"go"}] }`;
    for (const cut of [1, 7, 64, Infinity])
      assert.deepEqual(stripped(before, cut), { json: after, dropped: ["thinking.signature"] });
  });

test("a message of foreign thinking alone keeps its place", () => {
  const { json, dropped } = stripped(
    bodyOf([
      { role: "user", content: "a" },
      { role: "assistant", content: [redacted(SEALED[1] ?? ""), thinking("")] },
      { role: "user", content: "b" },
    ]),
  );
  const { messages } = JSON.parse(json) as { messages: { content: unknown }[] };
  assert.deepEqual(messages[1], { role: "assistant", content: [text("(no answer)")] });
  assert.deepEqual(dropped, ["redacted_thinking", "thinking.signature"]);
});

test("in the middle of calls a thinking budget is given up, and what needs it", () => {
  const management = {
    edits: [{ type: "clear_thinking_20251015", keep: "all" }, { type: "clear_tool_uses_20250919" }],
  };
  const more = {
    thinking: { type: "enabled", budget_tokens: 2000 },
    context_management: management,
  };
  const messages = [
    { role: "user", content: "go" },
    { role: "assistant", content: [thinking(""), call] },
    { role: "user", content: [result] },
  ];
  const { json, dropped } = stripped(bodyOf(messages, more));
  const after = JSON.parse(json) as Record<string, unknown>;
  assert.deepEqual(after["thinking"], { type: "disabled" });
  assert.deepEqual(after["context_management"], { edits: [{ type: "clear_tool_uses_20250919" }] });
  assert.deepEqual(dropped, ["thinking.signature", "thinking", "context_management"]);
  // Once the calls are through, thinking goes on.
  const later = [...messages, { role: "assistant", content: [text("done")] }];
  const next = stripped(bodyOf([...later, { role: "user", content: "more" }], more));
  assert.deepEqual(thinkingOf(next.json), more.thinking);
  // Adaptive thinking demands nothing.
  const adaptive = stripped(bodyOf(messages, { thinking: { type: "adaptive" } }));
  assert.deepEqual(thinkingOf(adaptive.json), { type: "adaptive" });
});

const anyBlock = fc.oneof(
  fc.string().map((value) => text(`x${value}`)),
  fc.constantFrom(...SEALED, GENUINE).map((signature) => thinking(signature)),
  fc.constantFrom(...SEALED, GENUINE).map((data) => redacted(data)),
  fc.jsonValue().map((input) => ({ ...call, input: { input } })),
);
const anyTurn = fc.record({
  role: fc.constantFrom("user", "assistant"),
  content: fc.oneof(fc.string(), fc.array(anyBlock, { minLength: 1, maxLength: 5 })),
});

test("nothing foreign is left, and nothing else is gone", () => {
  fc.assert(
    fc.property(
      fc.array(anyTurn, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 90 }),
      fc.constantFrom(undefined, 2),
      (turns, cut, indent) => {
        const body = JSON.stringify({ model: "claude-x", messages: turns }, null, indent);
        const { json } = stripped(body, cut);
        const expected = turns.map((turn) => {
          if (typeof turn.content === "string") return turn;
          const kept = turn.content.filter((block) => !isForeign(block));
          const content = kept.length === 0 ? [text("(no answer)")] : kept;
          return { ...turn, content };
        });
        assert.deepEqual(
          JSON.parse(json),
          JSON.parse(JSON.stringify({ model: "claude-x", messages: expected })),
        );
      },
    ),
    { numRuns: 300, seed: 20_261_123 },
  );
});

function isForeign(block: { type: string; signature?: string; data?: string }): boolean {
  if (block.type === "thinking") return isForeignSignature(block.signature ?? "");
  return block.type === "redacted_thinking" && isForeignSignature(block.data ?? "");
}

test("a loop begins behind the last thing that the user said", () => {
  const turnsOf = (messages: unknown) => {
    const read = readCanonical({ messages });
    assert(!("problem" in read));
    return read.turns;
  };
  const user = { role: "user", content: "go" };
  const answers = { role: "user", content: [result, text("a reminder")] };
  const first = { role: "assistant", content: [thinking(GENUINE), call] };
  const further = { role: "assistant", content: [call] };
  assert.equal(lacksLoopThinking(turnsOf([user, first, answers, further, answers])), false);
  assert.equal(lacksLoopThinking(turnsOf([user, further, answers, first, answers])), true);
  assert.equal(lacksLoopThinking(turnsOf([user, further, answers, first, user])), false);
});
