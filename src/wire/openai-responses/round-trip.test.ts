/** Canonical → Responses → canonical keeps all that both can express; the way back exists here alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type {
  Block,
  CanonicalRequest,
  ImageBlock,
  TextBlock,
  Tool,
  ToolChoice,
  Turn,
} from "../canonical/request.ts";
import { isUnsupported } from "../egress.ts";
import { openaiResponses } from "./egress.ts";
import { ERROR_MARK } from "./input.ts";
import { sealReasoning } from "./seal.ts";

type Json = Readonly<Record<string, unknown>>;

const PLAIN = { cached: false } as const;

function text(value: string): TextBlock {
  return { type: "text", text: value, cited: false, ...PLAIN };
}

function blockOf(part: Json): TextBlock | ImageBlock | Block {
  if (part["type"] === "input_image") {
    const url = String(part["image_url"]);
    const [, mediaType, data] = /^data:([^;]*);base64,(.*)$/.exec(url) ?? [];
    const source =
      mediaType === undefined
        ? ({ kind: "url", url } as const)
        : ({ kind: "base64", mediaType, data: data ?? "" } as const);
    return { type: "image", source, ...PLAIN };
  }
  if (part["type"] !== "input_file") return text(String(part["text"]));
  const bare = { type: "document", context: null, cites: false, ...PLAIN } as const;
  const data = part["file_data"];
  if (typeof data !== "string") {
    return { ...bare, title: null, source: { kind: "url", url: String(part["file_url"]) } };
  }
  const base64 = data.slice(data.indexOf(",") + 1);
  const source = { kind: "base64", mediaType: "application/pdf", data: base64 } as const;
  return { ...bare, title: String(part["filename"]), source };
}

function blocksOf(item: Json): readonly Block[] {
  switch (item["type"]) {
    case "reasoning": {
      const [summary] = item["summary"] as readonly { readonly text: string }[];
      const encryptedContent = String(item["encrypted_content"]);
      const signature = sealReasoning({ id: String(item["id"]), encryptedContent });
      if (summary === undefined) return [{ type: "redacted_thinking", data: signature }];
      return [{ type: "thinking", text: summary.text, signature }];
    }
    case "function_call": {
      const input = JSON.parse(String(item["arguments"])) as Json;
      const id = String(item["call_id"]);
      return [{ type: "tool_use", id, name: String(item["name"]), input, ...PLAIN }];
    }
    case "function_call_output":
      return [toolResultOf(item)];
    default:
      return (item["content"] as readonly Json[]).map((part) => blockOf(part));
  }
}

function toolResultOf({ call_id: id, output }: Json): Block {
  const told =
    typeof output === "string"
      ? [{ type: "input_text", text: output }]
      : (output as readonly Readonly<{ type: string; text: string }>[]);
  const isError = told[0]?.text?.startsWith(ERROR_MARK) === true;
  const parts = told
    .map((part, index) =>
      isError && index === 0 ? { ...part, text: part.text.slice(ERROR_MARK.length) } : part,
    )
    .filter((part) => part.text !== "")
    .map((part) => blockOf(part) as TextBlock | ImageBlock);
  return { type: "tool_result", toolUseId: String(id), isError, parts, ...PLAIN };
}

/** Turns as their sender joined them: neighbours of one role are one turn. */
function turnsOf(items: readonly Json[]): readonly Turn[] {
  const turns: { role: Turn["role"]; blocks: Block[] }[] = [];
  for (const item of items) {
    const role = roleOf(item);
    const last = turns.at(-1);
    if (last?.role === role) last.blocks.push(...blocksOf(item));
    else turns.push({ role, blocks: [...blocksOf(item)] });
  }
  return turns;
}

function roleOf(item: Json): Turn["role"] {
  if (item["type"] === "function_call_output" || item["role"] === "user") return "user";
  return item["role"] === "developer" ? "system" : "assistant";
}

function toolOf(tool: Json): Tool {
  return {
    name: String(tool["name"]),
    description: typeof tool["description"] === "string" ? tool["description"] : null,
    schema: tool["parameters"] as Json,
    strict: tool["strict"] === true,
    ...PLAIN,
  };
}

function choiceOf(choice: unknown): ToolChoice | null {
  if (choice === undefined) return null;
  if (choice === "required") return { kind: "any" };
  if (choice === "auto" || choice === "none") return { kind: choice };
  return { kind: "tool", name: (choice as { readonly name: string }).name };
}

/** What a canonical request was, told from the body that was made of it. */
function readBack(json: Json): CanonicalRequest {
  const reasoning = json["reasoning"] as { readonly effort?: string } | undefined;
  const format = json["text"] as { readonly format: { readonly schema: Json } } | undefined;
  const instructions = json["instructions"];
  return {
    model: "claude",
    stream: json["stream"] === true,
    system: typeof instructions === "string" ? [text(instructions)] : [],
    turns: turnsOf(json["input"] as readonly Json[]),
    tools: ((json["tools"] ?? []) as readonly Json[]).map((tool) => toolOf(tool)),
    providerTools: [],
    toolChoice: choiceOf(json["tool_choice"]),
    parallelTools: json["parallel_tool_calls"] !== false,
    thinking: reasoning === undefined ? null : { mode: "adaptive" },
    effort: reasoning?.effort ?? null,
    schema: format?.format.schema ?? null,
    stopSequences: [],
    temperature: (json["temperature"] ?? null) as number | null,
    topP: (json["top_p"] ?? null) as number | null,
    topK: null,
    userId: (json["safety_identifier"] ?? null) as string | null,
    others: [],
  };
}

const words = fc.string({ unit: "binary", minLength: 1, maxLength: 20 });
const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
const input = fc.dictionary(name, fc.jsonValue(), { maxKeys: 3 });
const textBlock = words.map((value) => text(value));
const base64 = fc.base64String({ maxLength: 40 });
const url = fc.webUrl();
const image = fc
  .oneof(
    base64.map((data) => ({ kind: "base64", mediaType: "image/png", data }) as const),
    url.map((value) => ({ kind: "url", url: value }) as const),
  )
  .map((source): ImageBlock => ({ type: "image", source, ...PLAIN }));
const pdf = fc.tuple(words, base64).map(([title, data]): Block => ({
  type: "document",
  title,
  context: null,
  cites: false,
  source: { kind: "base64", mediaType: "application/pdf", data },
  ...PLAIN,
}));
const linked = url.map((value): Block => ({
  type: "document",
  title: null,
  context: null,
  cites: false,
  source: { kind: "url", url: value },
  ...PLAIN,
}));
const seal = fc.record({ id: words, encryptedContent: words }).map((item) => sealReasoning(item));
const thinking = fc.oneof(
  fc.record({ type: fc.constant("thinking"), text: words, signature: seal }),
  fc.record({ type: fc.constant("redacted_thinking"), data: seal }),
);
const toolUse = fc.record({
  type: fc.constant("tool_use"),
  id: name,
  name,
  input,
  cached: fc.constant<boolean>(false),
});
const toolResult = fc.record({
  type: fc.constant("tool_result"),
  toolUseId: name,
  isError: fc.boolean(),
  parts: fc.array(
    fc.oneof(
      textBlock.filter(({ text: value }) => !value.startsWith(ERROR_MARK)),
      image,
    ),
    { maxLength: 3 },
  ),
  cached: fc.constant<boolean>(false),
});

function turn(role: Turn["role"], blocks: fc.Arbitrary<readonly Block[]>): fc.Arbitrary<Turn> {
  return blocks.map((list) => ({ role, blocks: list }));
}

const some = { minLength: 1, maxLength: 4 } as const;
const user = turn("user", fc.array(fc.oneof(textBlock, image, pdf, linked, toolResult), some));
const assistant = turn(
  "assistant",
  fc
    .tuple(fc.array(fc.oneof(textBlock, toolUse, thinking), some), fc.oneof(textBlock, toolUse))
    .map(([blocks, last]) => [...blocks, last]),
);
const system = turn("system", fc.array(textBlock, some));
const turns = fc
  .array(fc.tuple(user, assistant, fc.option(system)), { maxLength: 4 })
  .chain((rounds) =>
    user.map((last) => [...rounds.flatMap((round) => round.filter((one) => one !== null)), last]),
  );
const tool = fc.record({
  name,
  description: fc.option(words),
  schema: name.map((field) => ({
    type: "object",
    properties: { [field]: { type: "string" } },
    required: [field],
    additionalProperties: false,
  })),
  strict: fc.boolean(),
  cached: fc.constant<boolean>(false),
});

const tooling = fc.array(tool, { maxLength: 3 }).chain((tools) => {
  const first = tools[0];
  const none = { tools, toolChoice: null, parallelTools: true };
  if (first === undefined) return fc.constant(none);
  const choices: readonly (ToolChoice | null)[] = [
    null,
    { kind: "auto" },
    { kind: "any" },
    { kind: "none" },
    { kind: "tool", name: first.name },
  ];
  return fc.record({
    tools: fc.constant(tools),
    toolChoice: fc.constantFrom(...choices),
    parallelTools: fc.boolean(),
  });
});

const request: fc.Arbitrary<CanonicalRequest> = fc
  .record({
    model: fc.constant("claude"),
    stream: fc.boolean(),
    system: fc.array(textBlock, { maxLength: 1 }),
    turns,
    providerTools: fc.constant([]),
    reasoning: fc.constantFrom(null, "low", "medium", "high", "max", "default"),
    schema: fc.option(tool.map(({ schema }) => schema)),
    stopSequences: fc.constant([]),
    temperature: fc.option(fc.double({ min: 0, max: 0.99, noNaN: true })),
    topP: fc.option(fc.double({ min: 0.01, max: 0.99, noNaN: true })),
    topK: fc.constant(null),
    userId: fc.option(name),
    others: fc.constant([]),
  })
  .chain(({ reasoning, ...rest }) =>
    tooling.map((tools) => {
      const thinking = reasoning === null ? null : ({ mode: "adaptive" } as const);
      const effort = reasoning === "default" ? null : reasoning;
      // As a body would be parsed: plain objects, no minus zero.
      const made: CanonicalRequest = { ...rest, ...tools, thinking, effort };
      return JSON.parse(JSON.stringify(made)) as CanonicalRequest;
    }),
  );

test("what both dialects can express comes back as it was, and nothing counts as lost", () => {
  fc.assert(
    fc.property(request, (original) => {
      const body = openaiResponses.request(original, {
        model: "gpt",
        maxTokens: 1000,
        quirks: new Set(["effort-above-high"]),
        onUnsupported: "refuse",
      });
      assert.ok(!isUnsupported(body), JSON.stringify(body));
      assert.deepEqual(body.dropped, []);
      const json = JSON.parse(JSON.stringify(body.json)) as Json;
      assert.deepEqual(readBack(json), original);
      assert.equal(json["max_output_tokens"], 1000);
    }),
    { numRuns: 300 },
  );
});

const SOME_QUIRKS = [
  "no-images",
  "no-documents",
  "no-temperature",
  "no-user",
  "no-json-schema",
  "no-reasoning-effort",
] as const;

test("where a provider takes less, the names of what is gone tell it", () => {
  fc.assert(
    fc.property(request, fc.subarray([...SOME_QUIRKS]), (original, quirks) => {
      const body = openaiResponses.request(original, {
        model: "gpt",
        maxTokens: 1000,
        quirks: new Set([...quirks, "effort-above-high"]),
        onUnsupported: "drop",
      });
      assert.ok(!isUnsupported(body));
      const back = readBack(JSON.parse(JSON.stringify(body.json)) as Json);
      if (body.dropped.length === 0) assert.deepEqual(back, original);
      else assert.notDeepEqual(back, original);
    }),
    { numRuns: 200 },
  );
});
