import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { Block, CanonicalRequest, ResultPart, TextBlock, Turn } from "../canonical/request.ts";
import { isUnsupported, type Quirk } from "../egress.ts";
import { openaiChat } from "./egress.ts";

type Json = Readonly<Record<string, unknown>>;

const textBlock = (text: string): TextBlock => ({
  type: "text",
  text,
  cached: false,
  cited: false,
});

/** A word, so that no generated text is one of the translator's own marks. */
const words = fc.string({ minLength: 1, maxLength: 20 }).map((text) => `w${text}`);
const texts = words.map(textBlock);
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,30}$/);
const data = fc.base64String({ maxLength: 16 });
const json = fc
  .dictionary(words, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as Json);

const images = fc.oneof(
  data.map((bytes): Block & ResultPart => ({
    type: "image",
    source: { kind: "base64", mediaType: "image/png", data: bytes },
    cached: false,
  })),
  fc.webUrl().map((url): Block & ResultPart => ({
    type: "image",
    source: { kind: "url", url },
    cached: false,
  })),
);
const documents = fc.tuple(data, fc.option(words)).map(([bytes, title]): Block & ResultPart => ({
  type: "document",
  source: { kind: "base64", mediaType: "application/pdf", data: bytes },
  title: title === null ? null : `${title}.pdf`,
  context: null,
  cites: false,
  cached: false,
}));
const files = fc.array(fc.oneof(images, documents), { maxLength: 2 });

/** An exchange: what the user says, what the assistant answers, and the results of its calls. */
const exchanges = fc.record({
  user: fc.tuple(fc.array(texts, { minLength: 1, maxLength: 2 }), files),
  system: fc.option(words),
  thought: words,
  said: fc.option(words),
  calls: fc.uniqueArray(fc.record({ id, name: words, input: json }), {
    maxLength: 3,
    selector: (call) => call.id,
  }),
  results: fc.array(
    fc.record({ isError: fc.boolean(), texts: fc.array(texts, { maxLength: 2 }), files }),
    { minLength: 3, maxLength: 3 },
  ),
});

type Exchange = typeof exchanges extends fc.Arbitrary<infer T> ? T : never;

function turnsOf(exchange: Exchange, index: number): readonly Turn[] {
  const { user, system, said, calls, thought, results } = exchange;
  const uses = calls.map((call): Block => ({
    type: "tool_use",
    ...call,
    id: `${index}${call.id}`,
    cached: false,
  }));
  const answers = calls.map((call, at): Block => ({
    type: "tool_result",
    toolUseId: `${index}${call.id}`,
    isError: results[at]?.isError ?? false,
    parts: [...(results[at]?.texts ?? []), ...(results[at]?.files ?? [])],
    cached: false,
  }));
  const spoken = said === null ? [] : [textBlock(said)];
  const isSilent = spoken.length + uses.length === 0;
  const thinking: Block = { type: "thinking", text: thought, signature: "" };
  const turns: Turn[] = [{ role: "user", blocks: user.flat() }];
  if (system !== null) turns.push({ role: "system", blocks: [textBlock(system)] });
  if (!isSilent) turns.push({ role: "assistant", blocks: [thinking, ...spoken, ...uses] });
  if (answers.length > 0) turns.push({ role: "user", blocks: answers });
  return turns;
}

const tools = fc.uniqueArray(
  fc.record({
    name: words,
    description: fc.option(words),
    schema: json,
    strict: fc.boolean(),
    cached: fc.constant(false),
  }),
  { minLength: 1, maxLength: 2, selector: (tool) => tool.name },
);
const choices = fc.oneof(
  fc.constantFrom({ kind: "auto" } as const, { kind: "any" } as const, { kind: "none" } as const),
  words.map((name) => ({ kind: "tool", name }) as const),
);

const requests: fc.Arbitrary<CanonicalRequest> = fc
  .record({
    stream: fc.boolean(),
    system: fc.array(texts, { maxLength: 2 }),
    exchanges: fc.array(exchanges, { maxLength: 3 }),
    last: texts,
    tooling: fc.option(
      fc.record({ tools, toolChoice: fc.option(choices), parallelTools: fc.boolean() }),
    ),
    effort: fc.option(fc.constantFrom("low", "medium", "high", "xhigh", "max")),
    thinking: fc.option(
      fc.constantFrom({ mode: "disabled" } as const, { mode: "adaptive" } as const),
    ),
    schema: fc.option(json),
    stopSequences: fc.array(words, { maxLength: 3 }),
    temperature: fc.option(fc.double({ min: 0.1, max: 1 })),
    topP: fc.option(fc.double({ min: 0.1, max: 1 })),
    topK: fc.option(fc.nat()),
  })
  .map(({ exchanges: list, last, tooling, thinking, effort, ...rest }) => ({
    ...rest,
    ...(tooling ?? { tools: [], toolChoice: null, parallelTools: true }),
    model: "m",
    turns: [...list.flatMap(turnsOf), { role: "user", blocks: [last] }],
    thinking,
    // Thinking that is off has no effort.
    effort: thinking?.mode === "disabled" ? null : effort,
    providerTools: [],
    userId: null,
    others: [],
  }));

const QUIRKS: ReadonlySet<Quirk> = new Set([
  "reasoning-content",
  "reasoning-returned",
  "thinking-switch",
  "effort-above-high",
]);

it("canonical, chat and canonical again keep all that both can express", () => {
  fc.assert(
    fc.property(requests, (request) => {
      const context = {
        model: "m",
        maxTokens: 9,
        quirks: QUIRKS,
        onUnsupported: "refuse",
      } as const;
      const body = openaiChat.request(request, context);
      assert.ok(!isUnsupported(body), JSON.stringify(body));
      assert.deepEqual(body.dropped, []);
      const wire = JSON.parse(JSON.stringify(body.json)) as Json;
      assert.equal(wire["max_completion_tokens"], 9);
      assert.deepEqual(readChat(wire), JSON.parse(JSON.stringify(request)));
    }),
    { seed: 17, numRuns: 400 },
  );
});

/** The way back: a body of chat completions in the canonical form. */
function readChat(body: Json): CanonicalRequest {
  const messages = body["messages"] as Json[];
  const leads = messages[0]?.["role"] === "developer";
  const format = body["response_format"] as { json_schema: { schema: Json } } | undefined;
  return {
    model: String(body["model"]),
    stream: body["stream"] === true,
    system: leads ? textsOf(messages[0]?.["content"]) : [],
    turns: readTurns(leads ? messages.slice(1) : messages),
    ...readTools(body),
    thinking: readThinking(body["thinking"]),
    effort: orNull(body["reasoning_effort"]) as string | null,
    schema: format?.json_schema.schema ?? null,
    stopSequences: (orNull(body["stop"]) as string[] | null) ?? [],
    temperature: orNull(body["temperature"]) as number | null,
    topP: orNull(body["top_p"]) as number | null,
    topK: orNull(body["top_k"]) as number | null,
    userId: null,
    providerTools: [],
    others: [],
  };
}

function orNull(value: unknown): unknown {
  return value ?? null;
}

function readThinking(value: unknown): CanonicalRequest["thinking"] {
  if (value === undefined) return null;
  return { mode: (value as Json)["type"] === "enabled" ? "adaptive" : "disabled" };
}

function readTools(body: Json): Pick<CanonicalRequest, "tools" | "toolChoice" | "parallelTools"> {
  const list = (body["tools"] as { function: Json }[] | undefined) ?? [];
  return {
    tools: list.map(({ function: tool }) => ({
      name: String(tool["name"]),
      description: orNull(tool["description"]) as string | null,
      schema: tool["parameters"] as Json,
      strict: tool["strict"] === true,
      cached: false,
    })),
    toolChoice: readChoice(body["tool_choice"]),
    parallelTools: body["parallel_tool_calls"] !== false,
  };
}

function readChoice(choice: unknown): CanonicalRequest["toolChoice"] {
  if (choice === undefined) return null;
  if (typeof choice === "object")
    return { kind: "tool", name: (choice as { function: { name: string } }).function.name };
  return choice === "required" ? { kind: "any" } : { kind: choice as "auto" | "none" };
}

function readTurns(messages: readonly Json[]): readonly Turn[] {
  const turns: { role: Turn["role"]; blocks: Block[] }[] = [];
  let results: Block[] | null = null;
  for (const message of messages) {
    if (message["role"] === "tool") {
      if (results === null) turns.push({ role: "user", blocks: (results = []) });
      results.push(readResult(message));
      continue;
    }
    const blocks = readParts(message["content"]);
    if (message["role"] === "user" && results !== null && takeMoved(results, message)) {
      results = null;
      continue;
    }
    results = null;
    if (message["role"] === "assistant")
      turns.push({ role: "assistant", blocks: readAssistant(message) });
    else turns.push({ role: message["role"] === "user" ? "user" : "system", blocks });
  }
  return turns;
}

function readAssistant(message: Json): Block[] {
  const reasoning = message["reasoning_content"];
  const calls = (message["tool_calls"] as { id: string; function: Json }[] | undefined) ?? [];
  return [
    ...(typeof reasoning === "string"
      ? [{ type: "thinking", text: reasoning, signature: "" } as const]
      : []),
    ...readParts(message["content"]),
    ...calls.map((call): Block => ({
      type: "tool_use",
      id: call.id,
      name: String(call.function["name"]),
      input: JSON.parse(String(call.function["arguments"])) as Json,
      cached: false,
    })),
  ];
}

function readResult(message: Json): Block {
  const content = message["content"];
  const parts = content === "" ? [] : textsOf(content);
  const isError = parts[0]?.text === "[The tool failed.]";
  const own = parts.slice(isError ? 1 : 0);
  const isMoved = own.at(-1)?.text.startsWith("[Its files") ?? false;
  return {
    type: "tool_result",
    toolUseId: String(message["tool_call_id"]),
    isError,
    parts: isMoved ? own.slice(0, -1) : own,
    cached: false,
  };
}

/** Gives files that were moved behind the results back to them; false: there are none. */
function takeMoved(results: Block[], message: Json): boolean {
  const blocks = readParts(message["content"]);
  const label = /^\[Files of the tool result (.*):\]$/;
  if (blocks[0]?.type !== "text" || !label.test(blocks[0].text)) return false;
  let owner = "";
  for (const block of blocks) {
    const named = block.type === "text" ? label.exec(block.text) : null;
    if (named !== null) {
      owner = named[1] ?? "";
      continue;
    }
    const at = results.findIndex(
      (result) => result.type === "tool_result" && result.toolUseId === owner,
    );
    const result = results[at];
    if (result?.type === "tool_result")
      results[at] = { ...result, parts: [...result.parts, block as ResultPart] };
  }
  return true;
}

function textsOf(content: unknown): TextBlock[] {
  return readParts(content).filter((block): block is TextBlock => block.type === "text");
}

function readParts(content: unknown): Block[] {
  if (content === null) return [];
  if (typeof content === "string") return [textBlock(content)];
  return (content as Json[]).map((part): Block => {
    if (part["type"] === "text") return textBlock(String(part["text"]));
    if (part["type"] === "file") {
      const file = part["file"] as { filename: string; file_data: string };
      return {
        type: "document",
        source: dataSource(file.file_data),
        title: file.filename === "document.pdf" ? null : file.filename,
        context: null,
        cites: false,
        cached: false,
      };
    }
    const { url } = part["image_url"] as { url: string };
    const source = url.startsWith("data:") ? dataSource(url) : ({ kind: "url", url } as const);
    return { type: "image", source, cached: false };
  });
}

function dataSource(url: string) {
  const [, mediaType = "", bytes = ""] = /^data:(.*?);base64,(.*)$/.exec(url) ?? [];
  return { kind: "base64", mediaType, data: bytes } as const;
}
