/** A session that changes doors with every turn: what each door gives, every other one can be sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { doorOf } from "../../src/providers/doors.ts";
import type { WireFormat } from "../../src/providers/row.ts";
import { isForeignThinking, SEALS } from "../../src/wire/canonical/foreign.ts";
import { readCanonical } from "../../src/wire/canonical/read.ts";
import { scanMessagesBody } from "../../src/wire/anthropic/scan.ts";

type Json = Record<string, unknown>;

const GENUINE = "EqQBCkgIARABGAIiQLgenuine";
const LONG_NAME = `mcp__${"enterprise_knowledge_base".repeat(3)}__search`;

interface Said {
  readonly thought: string;
  readonly text: string;
  readonly tool: string;
  readonly id: string;
}

/** One whole answer of each format: thinking, a text, a call. */
const ANSWERS: Readonly<Record<WireFormat, (said: Said) => Json>> = {
  "anthropic-messages": messagesAnswer,
  "vertex-anthropic": messagesAnswer,
  "bedrock-invoke": messagesAnswer,
  "bedrock-converse": ({ thought, text, tool, id }) => ({
    output: {
      message: {
        role: "assistant",
        content: [
          { reasoningContent: { reasoningText: { text: thought, signature: GENUINE } } },
          { text },
          { toolUse: { toolUseId: id, name: tool, input: { q: text } } },
        ],
      },
    },
    stopReason: "tool_use",
    usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
  }),
  "openai-chat": ({ thought, text, tool, id }) => ({
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: text,
          reasoning_content: thought,
          tool_calls: [
            {
              id,
              type: "function",
              function: { name: tool, arguments: JSON.stringify({ q: text }) },
            },
          ],
        },
        finish_reason: "tool_calls",
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 1 },
  }),
  "openai-responses": ({ thought, text, tool, id }) => ({
    status: "completed",
    output: [
      {
        type: "reasoning",
        id: "rs_1",
        summary: [{ type: "summary_text", text: thought }],
        encrypted_content: "gAAAAsecret",
      },
      { type: "reasoning", id: "rs_2", summary: [], encrypted_content: "gAAAAhidden" },
      {
        type: "message",
        id: "msg_1",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text, annotations: [] }],
      },
      {
        type: "function_call",
        id: "fc_1",
        call_id: id,
        name: tool,
        arguments: JSON.stringify({ q: text }),
        status: "completed",
      },
    ],
    usage: { input_tokens: 1, output_tokens: 1 },
  }),
  gemini: ({ thought, text, tool, id }) => ({
    candidates: [
      {
        content: {
          role: "model",
          parts: [
            { text: thought, thought: true, thoughtSignature: "dGhvdWdodA==" },
            { text },
            { functionCall: { id, name: tool, args: { q: text } }, thoughtSignature: "Y2FsbA==" },
          ],
        },
        finishReason: "STOP",
      },
    ],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1 },
  }),
};

function messagesAnswer({ thought, text, tool, id }: Said): Json {
  return {
    content: [
      { type: "thinking", thinking: thought, signature: GENUINE },
      { type: "text", text },
      { type: "tool_use", id, name: tool, input: { q: text } },
    ],
  };
}

const FORMATS = Object.keys(ANSWERS) as WireFormat[];
const NATIVE = new Set<WireFormat>(["anthropic-messages", "vertex-anthropic", "bedrock-invoke"]);

function modelAt(format: WireFormat): string {
  if (format === "gemini") return "gemini-3-pro";
  return format.startsWith("openai") ? "gpt-5.4" : "anthropic.claude-opus-4-6";
}

interface Sent {
  readonly json: Json;
  readonly toolNames: ReadonlyMap<string, string> | null;
}

/** A request of the whole conversation as a door sends it. */
function send(format: WireFormat, messages: readonly Json[]): Sent {
  const request = {
    model: "claude-opus-4-6",
    max_tokens: 4000,
    thinking: { type: "enabled", budget_tokens: 2000 },
    tools: [LONG_NAME, "Read"].map((name) => ({ name, input_schema: { type: "object" } })),
    messages,
  };
  const chunks = [Buffer.from(JSON.stringify(request))];
  const scanned = scanMessagesBody(chunks);
  assert(scanned.ok);
  const canonical = readCanonical(request);
  assert(!("problem" in canonical));
  const prepared = doorOf(format).prepare({
    body: scanned.body,
    chunks,
    edits: [],
    canonical: () => canonical,
    model: modelAt(format),
    maxTokens: 4000,
    quirks: new Set(),
    onUnsupported: "drop",
    betas: [],
    counts: false,
    mayHoldForeignThinking: true,
  });
  assert(!("unsupported" in prepared));
  const json = JSON.parse(Buffer.concat(prepared.chunks).toString()) as Json;
  return { json, toolNames: prepared.toolNames ?? null };
}

/** The content that a client gets of a door's answer. */
function answered(format: WireFormat, said: Said, { toolNames }: Sent): Json[] {
  const answer = ANSWERS[format](said);
  if (NATIVE.has(format)) return answer["content"] as Json[];
  const context = { streamed: false, id: "msg_1", model: "m", quirks: new Set<never>(), toolNames };
  const translator = doorOf(format).answer(context);
  assert(translator !== null);
  const pieces = [translator.feed(Buffer.from(JSON.stringify(answer))), translator.end()];
  const bytes = Buffer.concat(pieces.filter((piece) => piece !== null));
  return (JSON.parse(bytes.toString()) as { content: Json[] }).content;
}

const anySaid = fc.record({
  thought: fc.string({ minLength: 1 }).map((text) => `t${text}`),
  text: fc.string({ minLength: 1 }).map((text) => `s${text}`),
  tool: fc.constantFrom(LONG_NAME, "Read"),
});
const anyHop = fc.record({ format: fc.constantFrom(...FORMATS), said: anySaid });

/** The name under which a door knows a tool of the client's. */
function nameAt({ toolNames }: Sent, name: string): string {
  for (const [short, own] of toolNames ?? []) if (own === name) return short;
  return name;
}

function checkSent(format: WireFormat, { json, toolNames }: Sent): void {
  const text = JSON.stringify(json);
  const isAnthropic = NATIVE.has(format) || format === "bedrock-converse";
  for (const seal of SEALS) assert(!text.includes(seal), `a seal at ${format}`);
  if (!isAnthropic) assert(!text.includes(GENUINE), `Anthropic's signature at ${format}`);
  if (format !== "openai-responses") assert(!text.includes("gAAAA"), `OpenAI's at ${format}`);
  if (format !== "gemini") assert(!text.includes("Y2FsbA=="), `Gemini's at ${format}`);
  if (!NATIVE.has(format)) {
    assert(!text.includes(`"${LONG_NAME}"`));
    assert.deepEqual([...(toolNames?.values() ?? [])], [LONG_NAME]);
    for (const short of toolNames?.keys() ?? []) assert.match(short, /^[\w-]{1,64}$/);
    return;
  }
  const read = readCanonical({ model: "m", ...json });
  assert(!("problem" in read));
  for (const { blocks } of read.turns) {
    assert(blocks.length > 0);
    assert(!blocks.some(isForeignThinking), `foreign thinking at ${format}`);
  }
}

test("whatever doors a session went through, the next one can be sent its history", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(anyHop, { minLength: 4, maxLength: 8 }), (hops) => {
      const messages: Json[] = [{ role: "user", content: "go" }];
      for (const [index, { format, said }] of hops.entries()) {
        const sent = send(format, messages);
        checkSent(format, sent);
        const id = `toolu_${index}`;
        const content = answered(format, { ...said, tool: nameAt(sent, said.tool), id }, sent);
        const call = content.find(({ type }) => type === "tool_use");
        assert.equal(call?.["name"], said.tool);
        messages.push(
          { role: "assistant", content },
          {
            role: "user",
            content: [{ type: "tool_result", tool_use_id: call["id"], content: "r" }],
          },
        );
        seen.add(`${hops[index - 1]?.format} → ${format}`);
      }
    }),
    { numRuns: 150, seed: 20_261_123 },
  );
  for (const from of FORMATS) for (const to of FORMATS) assert(seen.has(`${from} → ${to}`));
});

test("a door has its own signatures back", () => {
  for (const [format, own] of [
    ["openai-responses", "gAAAAsecret"],
    ["gemini", "Y2FsbA=="],
    ["bedrock-converse", GENUINE],
    ["anthropic-messages", GENUINE],
  ] as const) {
    const start: Json[] = [{ role: "user", content: "go" }];
    const sent = send(format, start);
    const said = { thought: "t", text: "s", tool: "Read", id: "toolu_1" };
    const history = [
      ...start,
      { role: "assistant", content: answered(format, said, sent) },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "r" }] },
    ];
    assert(JSON.stringify(send(format, history).json).includes(own), format);
  }
});
