import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Transcript, type TranscriptOptions } from "../../tests/e2e/transcript.ts";
import { randomOf } from "../../tests/harness/scripts-random.ts";
import { NO_USAGE, type BilledUsage } from "../core/usage.ts";
import { TurnMemory } from "../ledger/memory.ts";
import { scanMessagesBody } from "../wire/anthropic/scan.ts";
import type { Exchange } from "./exchange.ts";
import { recallTurn, rememberTurn, traceOf, turnView, type TurnView } from "./turns.ts";

const OPTIONS: TranscriptOptions = {
  fixedTokens: 20_000,
  appetite: 1,
  hiddenTokensMax: 5000,
  signatureBytesPerToken: 0,
  markers: 1,
};
const BETAS = "claude-code-20250219";
const NOTHING = { inputTokens: null, cachedTokens: 0, cutAt: null };
const SEED = fc.integer({ min: 0, max: 2 ** 31 });

interface Who {
  readonly virtualKey?: string;
  readonly session?: string | null;
  readonly agent?: string | null;
  readonly betas?: string | string[];
}

function viewOf(bytes: Buffer, who: Who = {}): TurnView | null {
  const { virtualKey = "ada", session = "s", agent = null, betas = BETAS } = who;
  const scanned = scanMessagesBody([bytes]);
  assert.ok(scanned.ok);
  const exchange = {
    subject: { session, agent },
    plan: { virtualKey },
    request: { headers: { "anthropic-beta": betas } },
  };
  const half = bytes.length >> 1;
  const chunks = [bytes.subarray(0, half), bytes.subarray(half)];
  return turnView(exchange as unknown as Exchange, scanned.body, chunks);
}

function view(bytes: Buffer, who: Who = {}): TurnView {
  const made = viewOf(bytes, who);
  assert.ok(made !== null);
  return made;
}

/** The provider's figures, with the input spread over all kinds. */
function billed(inputTokens: number, outputTokens: number, passes = 1): BilledUsage {
  const usage = {
    ...NO_USAGE,
    input_tokens: inputTokens - 60,
    cache_read_input_tokens: 10,
    cache_write_5m_input_tokens: 20,
    cache_write_1h_input_tokens: 30,
    output_tokens: outputTokens,
  };
  const pass = { model: null, usage, free: false };
  const words = { speed: null, inferenceGeo: null, serviceTier: null };
  return { usage, passes: Array.from({ length: passes }, () => pass), ...words };
}

/** A session whose last turn is remembered, one turn further on. */
function secondTurn(memory: TurnMemory, who: Who = {}): Transcript {
  const transcript = new Transcript(randomOf(7), OPTIONS);
  transcript.goOn();
  const before = view(transcript.body(), who);
  const inputTokens = transcript.inputTokens();
  const { outputTokens } = transcript.goOn();
  rememberTurn(memory, traceOf(before), { billed: billed(inputTokens, outputTokens), cutAt: null });
  return transcript;
}

describe("a session's turns", () => {
  const sessions = fc.record({
    seed: SEED,
    markers: fc.integer({ min: 1, max: 3 }),
    appetite: fc.constantFrom(0, 0.3, 1),
  });

  test("are recalled each time, and bound the input from above", () => {
    fc.assert(
      fc.property(sessions, ({ seed, ...options }) => {
        const memory = new TurnMemory();
        const transcript = new Transcript(randomOf(seed), { ...OPTIONS, ...options });
        let now = view(transcript.body());
        for (let turn = 0; turn < 8; turn++) {
          const inputTokens = transcript.inputTokens();
          const { outputTokens } = transcript.goOn();
          rememberTurn(memory, traceOf(now), {
            billed: billed(inputTokens, outputTokens),
            cutAt: null,
          });
          now = view(transcript.body());
          const recalled = recallTurn(memory, now).inputTokens;
          assert.ok(recalled !== null, `turn ${turn}`);
          assert.ok(transcript.inputTokens() <= recalled);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("tell the input of a long history to within a fifth", () => {
    const memory = new TurnMemory();
    const transcript = new Transcript(randomOf(3), { ...OPTIONS, appetite: 0.25 });
    for (let turn = 0; turn < 30; turn++) transcript.goOn();
    const before = view(transcript.body());
    const inputTokens = transcript.inputTokens();
    const { outputTokens } = transcript.goOn();
    rememberTurn(memory, traceOf(before), {
      billed: billed(inputTokens, outputTokens),
      cutAt: null,
    });
    const recalled = recallTurn(memory, view(transcript.body())).inputTokens ?? Infinity;
    assert.ok(recalled < transcript.inputTokens() * 1.2, `${recalled} tokens`);
  });

  test("need a session", () => {
    assert.equal(viewOf(new Transcript(randomOf(1), OPTIONS).body(), { session: null }), null);
  });
});

describe("what was learnt does not hold", () => {
  const WHOSE: Readonly<Record<string, Who>> = {
    "another key": { virtualKey: "bob" },
    "another session": { session: "t" },
    "a subagent": { agent: "a1" },
    "other betas": { betas: `${BETAS},context-1m` },
    "no betas": { betas: "" },
  };
  for (const [name, who] of Object.entries(WHOSE))
    test(`for ${name}`, () => {
      const memory = new TurnMemory();
      const transcript = secondTurn(memory);
      assert.notEqual(recallTurn(memory, view(transcript.body())).inputTokens, null);
      assert.deepEqual(recallTurn(memory, view(transcript.body(), who)), NOTHING);
    });

  const user = (content: unknown) => ({ role: "user" as const, content: content as string });
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "" } };
  const reference = { type: "tool_reference", tool_name: "Deferred" };
  const CHANGES: Readonly<Record<string, (transcript: Transcript) => void>> = {
    "the model": (it) => (it.model = "claude-sonnet-5-5"),
    "the system prompt": (it) => (it.fields["system"] = "You are another."),
    tools: (it) => (it.fields["tools"] = []),
    thinking: (it) => (it.fields["thinking"] = { type: "enabled", budget_tokens: 2000 }),
    "what context edits keep": (it) =>
      (it.fields["context_management"] = {
        edits: [{ type: "clear_thinking_20251015", keep: { type: "thinking_turns", value: 1 } }],
      }),
    effort: (it) => (it.fields["output_config"] = { effort: "low" }),
    "MCP servers": (it) => (it.fields["mcp_servers"] = [{ type: "url", url: "https://a.example" }]),
    fallbacks: (it) => (it.fields["fallbacks"] = "default"),
    container: (it) => (it.fields["container"] = "c"),
    "a field that nobody knows yet": (it) => (it.fields["preamble"] = "…"),
    "an older message": (it) => (it.messages[0] = { ...user("edited"), tokens: 0 }),
    "a message less": (it) => it.messages.shift(),
    "a message more in front": (it) => it.messages.unshift({ ...user("more"), tokens: 0 }),
    "a new image": (it) => it.messages.push({ ...user([image]), tokens: 5000 }),
    "a deferred tool's definition": (it) =>
      it.messages.push({
        ...user([{ type: "tool_result", tool_use_id: "t", content: [reference] }]),
        tokens: 5000,
      }),
    "a document": (it) =>
      it.messages.push({ ...user([{ type: "document", source: image.source }]), tokens: 50_000 }),
  };
  for (const [name, change] of Object.entries(CHANGES))
    test(`after a change of ${name}`, () => {
      const memory = new TurnMemory();
      const transcript = secondTurn(memory);
      change(transcript);
      assert.deepEqual(recallTurn(memory, view(transcript.body())), NOTHING);
    });

  test("where one image has taken the place of another behind the prefix", () => {
    const memory = new TurnMemory();
    const transcript = new Transcript(randomOf(7), OPTIONS);
    transcript.messages.push({ ...user([image]), tokens: 1 });
    rememberTurn(memory, traceOf(view(transcript.body())), {
      billed: billed(20_000, 1),
      cutAt: null,
    });
    transcript.messages.pop();
    transcript.messages.push({ ...user([{ ...image, alt: 1 }]), tokens: 5000 });
    assert.deepEqual(recallTurn(memory, view(transcript.body())), NOTHING);
  });

  test("for tools that the provider runs or lists, same as before or not", () => {
    for (const fields of [
      { tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 1 }] },
      { mcp_servers: [{ type: "url", url: "https://a.example", name: "a" }] },
      { fallbacks: [{ model: "claude-sonnet-5-5" }] },
    ]) {
      const memory = new TurnMemory();
      const transcript = new Transcript(randomOf(7), OPTIONS);
      Object.assign(transcript.fields, fields);
      rememberTurn(memory, traceOf(view(transcript.body())), {
        billed: billed(20_000, 1),
        cutAt: null,
      });
      transcript.goOn();
      assert.deepEqual(recallTurn(memory, view(transcript.body())), NOTHING);
    }
  });
});

describe("an answer", () => {
  test("of several passes is not learnt from, and voids what was known", () => {
    const memory = new TurnMemory();
    const transcript = secondTurn(memory);
    rememberTurn(memory, traceOf(view(transcript.body())), {
      billed: billed(100, 1, 2),
      cutAt: null,
    });
    transcript.goOn();
    assert.deepEqual(recallTurn(memory, view(transcript.body())), NOTHING);
  });

  test("that was cut is told to what continues it, known input or not, until one is not cut", () => {
    const memory = new TurnMemory();
    const transcript = new Transcript(randomOf(5), OPTIONS);
    const answer = (cutAt: number | null) => {
      rememberTurn(memory, traceOf(view(transcript.body())), {
        billed: billed(20_000, 100),
        cutAt,
      });
      transcript.goOn();
      return recallTurn(memory, view(transcript.body())).cutAt;
    };
    assert.equal(answer(16_000), 16_000);
    transcript.fields["system"] = "another";
    assert.deepEqual(recallTurn(memory, view(transcript.body())), {
      ...NOTHING,
      cutAt: 16_000,
    });
    assert.equal(answer(null), null);
  });
});
