import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Transcript, type TranscriptOptions } from "../../../tests/e2e/transcript.ts";
import { randomOf } from "../../../tests/harness/scripts-random.ts";
import { appendedSince, beginsWith, shapeOf, stablePrefix, type WholeBody } from "./prefix.ts";
import { scanMessagesBody } from "./scan.ts";

const TURNS = 10;
const BETAS = "claude-code-20250219,context-management-2025-06-27";
const OPTIONS: TranscriptOptions = {
  fixedTokens: 20_000,
  appetite: 1,
  hiddenTokensMax: 5000,
  signatureBytesPerToken: 0,
  markers: 1,
};
const SEED = fc.integer({ min: 0, max: 2 ** 31 });
const RUNS = { numRuns: 60 };

function wholeOf(bytes: Buffer): WholeBody {
  const scanned = scanMessagesBody([bytes]);
  assert.ok(scanned.ok, bytes.toString());
  return { bytes, body: scanned.body };
}

function whole(text: string): WholeBody {
  return wholeOf(Buffer.from(text));
}

/** The text of a prefix; null where there is none. */
function prefixText(body: WholeBody): string | null {
  const prefix = stablePrefix(body);
  return prefix === null ? null : body.bytes.toString("utf8", 0, prefix.bytes);
}

function messagesIn(body: WholeBody): { readonly start: number; readonly end: number } {
  const range = body.body.fields.messages;
  assert.ok(range !== undefined);
  return range;
}

describe("two consecutive bodies of a session", () => {
  const sessions = fc.record({ seed: SEED, markers: fc.integer({ min: 1, max: 3 }) });

  test("share shape and prefix, which is all that comes before the first marked message", () => {
    fc.assert(
      fc.property(sessions, ({ seed, markers }) => {
        const transcript = new Transcript(randomOf(seed), { ...OPTIONS, markers });
        let before = wholeOf(transcript.body());
        for (let turn = 0; turn < TURNS; turn++) {
          const unmarked = transcript.messages.slice(0, -markers);
          transcript.goOn();
          const after = wholeOf(transcript.body());
          assert.equal(shapeOf(before, BETAS), shapeOf(after, BETAS));
          assert.notEqual(shapeOf(before, BETAS), null);
          const prefix = stablePrefix(before);
          assert.ok(prefix !== null && beginsWith(after, prefix));
          const covered = JSON.stringify(unmarked.map(({ role, content }) => ({ role, content })));
          // Its closing bracket is the comma in front of the next message.
          const end = messagesIn(before).start + Buffer.byteLength(covered);
          assert.ok(prefix.bytes >= (unmarked.length === 0 ? end - 1 : end));
          before = after;
        }
      }),
      RUNS,
    );
  });

  test("the input is never more than the last one, its answer and what is new", () => {
    const tokenizers = fc.record({
      seed: SEED,
      markers: fc.integer({ min: 1, max: 3 }),
      appetite: fc.constantFrom(0, 0.25, 1),
    });
    fc.assert(
      fc.property(tokenizers, ({ seed, ...options }) => {
        const transcript = new Transcript(randomOf(seed), { ...OPTIONS, ...options });
        for (let turn = 0; turn < TURNS; turn++) {
          const prefix = stablePrefix(wholeOf(transcript.body()));
          const inputTokens = transcript.inputTokens();
          const { outputTokens } = transcript.goOn();
          const body = wholeOf(transcript.body());
          assert.ok(prefix !== null);
          const added = appendedSince(body, prefix.bytes);
          const bound =
            inputTokens +
            outputTokens +
            added.asciiBytes +
            11 * added.nonAsciiBytes +
            33 * added.unicodeEscapes +
            64 * added.blocks;
          assert.ok(transcript.inputTokens() <= bound, `${transcript.inputTokens()} > ${bound}`);
        }
      }),
      RUNS,
    );
  });

  test("a message of the prefix that is not the same in every byte ends it", () => {
    fc.assert(
      fc.property(SEED, fc.nat(), fc.integer({ min: 1, max: 255 }), (seed, at, flip) => {
        const transcript = new Transcript(randomOf(seed), OPTIONS);
        for (let turn = 0; turn < 3; turn++) transcript.goOn();
        const before = wholeOf(transcript.body());
        const prefix = stablePrefix(before);
        assert.ok(prefix !== null);
        transcript.goOn();
        const after = wholeOf(transcript.body());
        const bytes = Buffer.from(after.bytes);
        const index = at % prefix.bytes;
        bytes.writeUInt8(bytes.readUInt8(index) ^ flip, index);
        // The hash decides: where the messages stand is told by the scan of the unchanged body.
        assert.equal(beginsWith({ bytes, body: after.body }, prefix), false);
      }),
      RUNS,
    );
  });
});

describe("where the prefix ends", () => {
  const ROWS = [
    [
      "before the first marked message",
      '{"messages":[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b","cache_control":{}}]},{"role":"user","content":[{"type":"text","text":"c","cache_control":{}}]}]}',
      '{"messages":[{"role":"user","content":"a"},',
    ],
    [
      "behind the last message where none is marked",
      '{"system":[{"cache_control":{}}],"messages":[{"role":"user","content":"a"}],"tools":[{"cache_control":{}}]}',
      '{"system":[{"cache_control":{}}],"messages":[{"role":"user","content":"a"}',
    ],
    [
      "behind text that only looks like a marker",
      '{"messages":[{"role":"user","content":"\\"cache_control\\":{}"},{"role":"user","content":"b"}]}',
      '{"messages":[{"role":"user","content":"\\"cache_control\\":{}"},{"role":"user","content":"b"}',
    ],
    [
      "not behind the start of a message that is text in the marked one",
      '{"messages":[{"role":"user","content":[{"type":"text","text":"{\\"role\\":\\"user\\"","cache_control":{}}]}]}',
      '{"messages":[',
    ],
    [
      "inside the marked message where a tool's input starts like one: its bytes stay as well",
      '{"messages":[{"role":"assistant","content":[{"input":{"role":"x","a":1},"cache_control":{}}]}]}',
      '{"messages":[{"role":"assistant","content":[{"input":',
    ],
    ["nowhere without messages", '{"model":"m"}', null],
    [
      "nowhere where the marked message does not start with its role",
      '{"messages":[{"content":[{"type":"text","text":"a","cache_control":{}}],"role":"user"}]}',
      null,
    ],
    [
      "nowhere where only a message elsewhere starts so",
      '{"x":{"role":"user"},"messages":[{ "role":"user","content":[{"cache_control":{}}]}]}',
      null,
    ],
  ] as const;
  for (const [name, text, expected] of ROWS)
    test(name, () => {
      assert.equal(prefixText(whole(text)), expected);
    });

  test("a body that ends where the prefix does is not a continuation of it", () => {
    const prefix = stablePrefix(whole('{"messages":[{"role":"user","content":"a"}]}'));
    assert.ok(prefix !== null);
    assert.equal(beginsWith(whole('{"messages":[{"role":"user","content":"a"}]}'), prefix), true);
    assert.equal(beginsWith(whole('{"messages":[]}'), prefix), false);
    assert.equal(beginsWith(whole('{"model":"m"}'), prefix), false);
  });

  test("bytes behind the messages are no part of a prefix, equal or not", () => {
    const prefix = { bytes: 25, hash: "" };
    assert.equal(beginsWith(whole('{"messages":[],"model":"m","x":"y"}'), prefix), false);
  });
});

describe("what is appended", () => {
  test("counts bytes, escapes and blocks of the messages alone", () => {
    const body = whole(
      '{"messages":[{"role":"user","content":[{"type":"text","text":"é\\u0041"}]}],"system":"ééé"}',
    );
    const { start, end } = messagesIn(body);
    assert.deepEqual(appendedSince(body, start), {
      asciiBytes: end - start - 2,
      nonAsciiBytes: 2,
      unicodeEscapes: 1,
      blocks: 2,
      expands: false,
    });
    assert.equal(appendedSince(body, end - 1).asciiBytes, 1);
  });

  const EXPANDING = [
    { type: "image", source: { type: "base64", data: "" } },
    { type: "tool_reference", tool_name: "Grep" },
    { type: "tool_addition", tool: { type: "tool_reference", name: "Grep" } },
  ];
  for (const block of EXPANDING)
    test(`tells that ${block.type} may stand for more than its bytes`, () => {
      const first = '{"messages":[{"role":"user","content":"a"}';
      const message = { role: "user", content: [{ type: "tool_result", content: [block] }] };
      const body = whole(`${first},${JSON.stringify(message)}]}`);
      assert.equal(appendedSince(body, first.length).expands, true);
      assert.equal(appendedSince(body, body.bytes.length - 2).expands, false);
    });

  test("takes text about such blocks for text", () => {
    const content = JSON.stringify('{"type":"image"}');
    const body = whole(`{"messages":[{"role":"user","content":${content}}]}`);
    assert.equal(appendedSince(body, 0).expands, false);
  });
});

describe("the shape", () => {
  const FIELDS = {
    system: "You are an agent.",
    tools: [{ name: "Bash" }],
    tool_choice: { type: "auto" },
    thinking: { type: "adaptive" },
    output_config: { effort: "high" },
  };
  const bodyOf = (fields: object, model = "m") =>
    whole(JSON.stringify({ model, messages: [], ...FIELDS, ...fields }));
  const shape = shapeOf(bodyOf({}), BETAS);

  test("is one for equal bodies, whatever their messages", () => {
    const other = { messages: [{ role: "user", content: "a" }] };
    assert.notEqual(shape, null);
    assert.equal(shapeOf(bodyOf(other), BETAS), shape);
  });

  test("does not look at what no model reads", () => {
    const asked = (max_tokens: number, stream: boolean) =>
      shapeOf(bodyOf({ max_tokens, stream }), BETAS);
    assert.equal(asked(128_000, true), asked(64_000, false));
  });

  const CHANGES: Readonly<Record<string, object>> = {
    system: { system: "You are another." },
    tools: { tools: [{ name: "Bash" }, { name: "Read" }] },
    tool_choice: { tool_choice: { type: "any" } },
    thinking: { thinking: { type: "disabled" } },
    output_config: { output_config: { effort: "low" } },
    "a schema for the answer": { output_format: { type: "json_schema", schema: {} } },
    mcp_servers: { mcp_servers: [{ type: "url", url: "https://mcp.example", name: "a" }] },
    fallbacks: { fallbacks: [{ model: "claude-haiku-5-5" }] },
    container: { container: "c" },
    "a field that nobody knows yet": { preamble: "…" },
  };
  for (const [name, change] of Object.entries(CHANGES))
    test(`changes with ${name}`, () => {
      assert.notEqual(shapeOf(bodyOf(change), BETAS), shape);
    });

  test("changes with the model and with the betas", () => {
    assert.notEqual(shapeOf(bodyOf({}, "n"), BETAS), shape);
    assert.notEqual(shapeOf(bodyOf({}), ""), shape);
  });

  const EDITS: readonly (readonly [edits: unknown, known: boolean])[] = [
    [{ edits: [{ type: "clear_thinking_20251015", keep: "all" }] }, true],
    [{ edits: [] }, true],
    [{ edits: [{ type: "clear_thinking_20251015", keep: { value: 1 } }] }, false],
    [{ edits: [{ type: "clear_thinking_20251015" }] }, false],
    [{ edits: [{ type: "clear_tool_uses_20250919" }] }, false],
    [
      { edits: [{ type: "clear_thinking_20251015", keep: "all" }, { type: "compact_20260112" }] },
      false,
    ],
    [{ edits: "none" }, false],
    [{}, false],
    [null, false],
    [{ edits: [], padding: "x".repeat(5000) }, false],
  ];
  for (const [context_management, known] of EDITS) {
    const text = JSON.stringify(context_management).slice(0, 100);
    test(`${known ? "is known" : "is unknown"} with context_management ${text}`, () => {
      assert.equal(shapeOf(bodyOf({ context_management }), BETAS) !== null, known);
    });
  }
});
