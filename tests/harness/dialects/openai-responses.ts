/** OpenAI's Responses API without storage, as its own server has it. */
import type { WireUsage } from "../bill.ts";
import type { Block } from "../sse.ts";
import {
  countAt,
  demand,
  isObject,
  listAt,
  objectAt,
  objectsAt,
  only,
  pairUp,
  pictureUrlAt,
  schemaAt,
  stringOr,
  textAt,
  within,
  type Json,
} from "./check.ts";
import {
  callOf,
  piecesOf,
  textOf,
  thinkingOf,
  type Dialect,
  type RequestView,
  type Told,
} from "./dialect.ts";
import { openaiError } from "./openai-chat.ts";

const FIELDS =
  "model instructions input tools tool_choice parallel_tool_calls reasoning include text " +
  "max_output_tokens temperature top_p store stream safety_identifier prompt_cache_key " +
  "service_tier metadata truncation";
/** What a count takes. */
const COUNTED =
  "model instructions input tools tool_choice parallel_tool_calls reasoning text truncation";
const CREATED_SECONDS = 1_790_000_000;
/** "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16." */
const OUTPUT_LEAST = 16;

/** Source: OpenAI API reference, "Create a model response", streaming events; read 2026-11-23. */
export const openaiResponses: Dialect = {
  streamType: "text/event-stream; charset=utf-8",
  place: (path) => {
    if (path.endsWith("/responses")) return { asks: "message", model: null, stream: null };
    const isCount = path.endsWith("/responses/input_tokens");
    return isCount ? { asks: "count", model: null, stream: null } : null;
  },
  check: (body, { asks }) => check(body, asks === "count"),
  view,
  stream: (told) =>
    eventsOf(told).map((fields, index) =>
      named({ ...fields, sequence_number: index }, String(fields["type"])),
    ),
  whole: (told) =>
    responseOf(
      told,
      told.content.map((block, at) => itemOf(block, at, told)),
    ),
  usage,
  charge: (said) => {
    const details = objectAt(said["input_tokens_details"], "usage");
    const read = Number(details["cached_tokens"]);
    const written = Number(details["cache_write_tokens"] ?? 0);
    return {
      input: Number(said["input_tokens"]) - read - written,
      output: Number(said["output_tokens"]),
      cacheRead: read,
      write5m: written,
      write1h: 0,
    };
  },
  error: openaiError,
  errorPiece: (type) =>
    named({ type: "error", code: type, message: `${type} by the script`, param: null }, "error"),
  count: (tokens) => ({ object: "response.input_tokens", input_tokens: tokens }),
};

function named(fields: Json, name: string): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(fields)}\n\n`);
}

function usage(counts: WireUsage): Json {
  const read = counts.cache_read_input_tokens ?? 0;
  const written = counts.cache_creation_input_tokens ?? 0;
  const input = counts.input_tokens + read + written;
  const thinking = counts.output_tokens_details?.thinking_tokens ?? 0;
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: read,
      ...(written > 0 ? { cache_write_tokens: written } : {}),
    },
    output_tokens: counts.output_tokens,
    output_tokens_details: { reasoning_tokens: thinking },
    total_tokens: input + counts.output_tokens,
  };
}

function check(body: Json, isCount: boolean): void {
  only(body, isCount ? COUNTED : FIELDS, "");
  textAt(body["model"], "model");
  if (!isCount) {
    countAt(body["max_output_tokens"], "max_output_tokens", OUTPUT_LEAST);
    demand(body["store"] === false, "store: nothing is to be kept");
  }
  for (const name of ["temperature", "top_p"])
    demand(
      (body[name] ?? 1) === 1,
      `Unsupported parameter: '${name}' is not supported with this model.`,
    );
  if (body["reasoning"] !== undefined) {
    const reasoning = objectAt(body["reasoning"], "reasoning");
    only(reasoning, "effort summary", "reasoning.");
    if (reasoning["effort"] !== undefined)
      within(reasoning["effort"], "none minimal low medium high xhigh", "reasoning.effort");
  }
  for (const tool of objectsAt(body["tools"], "tools")) checkTool(tool);
  checkInput(objectsAt(body["input"], "input"));
}

function checkTool(tool: Json): void {
  only(tool, "type name description parameters strict", "tools.");
  demand(tool["type"] === "function", "tools.type");
  demand(/^[\w-]{1,64}$/.test(textAt(tool["name"], "tools.name")), "tools.name");
  schemaAt(tool["parameters"], "tools.parameters");
  demand(typeof tool["strict"] === "boolean", "tools.strict");
  const { properties = {}, required = [], additionalProperties } = tool["parameters"] as Json;
  if (tool["strict"] !== true) return;
  const isClosed = additionalProperties === false;
  const isFull = Object.keys(properties as Json).every((name) =>
    listAt(required, "required").includes(name),
  );
  demand(isClosed && isFull, "tools.parameters: no schema for strict mode");
}

function checkInput(items: readonly Json[]): void {
  demand(items.length > 0, "input: empty");
  const calls: string[] = [];
  const outputs: string[] = [];
  for (const [index, item] of items.entries()) {
    const where = `input[${index}]`;
    switch (item["type"] ?? "message") {
      case "message":
        checkMessage(item, where);
        break;
      case "function_call":
        only(item, "type id call_id name arguments status", `${where}.`);
        objectAt(JSON.parse(textAt(item["arguments"], where)), `${where}.arguments`);
        calls.push(callIdAt(item, where));
        break;
      case "function_call_output":
        only(item, "type id call_id output status", `${where}.`);
        outputs.push(callIdAt(item, where));
        if (typeof item["output"] !== "string") checkParts(item["output"], INPUT_PARTS, where);
        break;
      case "reasoning": {
        only(item, "type id summary content encrypted_content status", `${where}.`);
        textAt(item["encrypted_content"], `${where}.encrypted_content`);
        listAt(item["summary"], `${where}.summary`);
        const next = items[index + 1];
        const isFollowed = next !== undefined && !isOfUser(next);
        demand(
          isFollowed,
          `Item 'rs' of type 'reasoning' was provided without its required following item.`,
        );
        break;
      }
      default:
        demand(false, `${where}.type: ${String(item["type"])}`);
    }
  }
  pairUp(calls, outputs, "input");
}

const INPUT_PARTS = "input_text input_image input_file";

function isOfUser(item: Json): boolean {
  return item["role"] === "user" || item["type"] === "function_call_output";
}

function callIdAt(item: Json, where: string): string {
  const id = textAt(item["call_id"], `${where}.call_id`);
  demand(id !== "" && id.length <= 64, `${where}.call_id: string too long`);
  return id;
}

function checkMessage(item: Json, where: string): void {
  only(item, "type role content id status", `${where}.`);
  const role = within(item["role"], "user assistant developer system", `${where}.role`);
  if (typeof item["content"] === "string") return;
  checkParts(item["content"], role === "assistant" ? "output_text refusal" : INPUT_PARTS, where);
}

function checkParts(content: unknown, types: string, where: string): void {
  demand(listAt(content, where).length > 0, `${where}.content: an empty list`);
  for (const part of objectsAt(content, where)) {
    const type = within(part["type"], types, `${where}.content.type`);
    if (type.endsWith("_text")) textAt(part["text"], `${where}.text`);
    if (type === "input_image") pictureUrlAt(part["image_url"], `${where}.image_url`);
  }
}

function view(body: Json): RequestView {
  const items = objectsAt(body["input"], "input");
  const of = (type: string) => items.filter((item) => item["type"] === type);
  const said = (role: string) =>
    items.filter((item) => item["role"] === role).flatMap((item) => partsOf(item["content"]));
  const reasoning = of("reasoning");
  return {
    model: String(body["model"]),
    stream: body["stream"] === true,
    maxTokens: Number(body["max_output_tokens"]),
    system: [stringOr(body["instructions"]), ...said("developer").flatMap(textsIn)].join("\n\n"),
    tools: objectsAt(body["tools"], "tools").map((tool) => String(tool["name"])),
    texts: said("user").flatMap(textsIn),
    toolResults: of("function_call_output").map((item) => {
      const parts = partsOf(item["output"]);
      return {
        id: String(item["call_id"]),
        text: parts.flatMap(textsIn).join("\n"),
        isError: false,
        images: parts.filter((part) => part["type"] === "input_image").length,
      };
    }),
    signatures: reasoning.map((item) => String(item["encrypted_content"])),
    thoughts: reasoning.flatMap((item) => objectsAt(item["summary"], "").flatMap(textsIn)),
    thinkingWanted: isObject(body["reasoning"]),
    images: said("user").filter((part) => part["type"] === "input_image").length,
  };
}

function partsOf(content: unknown): readonly Json[] {
  if (typeof content === "string") return [{ type: "input_text", text: content }];
  return objectsAt(content, "content");
}

function textsIn(part: Json): readonly string[] {
  return typeof part["text"] === "string" ? [part["text"]] : [];
}

function itemOf(block: Block, at: number, { id, request }: Told): Json {
  const status = "completed";
  if (block.type === "text") {
    const content = [{ type: "output_text", text: textOf(block), annotations: [], logprobs: [] }];
    return { id: `msg_${id}${at}`, type: "message", status, role: "assistant", content };
  }
  if (block.type === "thinking") {
    const { text, signature } = thinkingOf(block);
    const include = request["include"];
    const isSealed = Array.isArray(include) && include.includes("reasoning.encrypted_content");
    const sealed = isSealed ? { encrypted_content: signature } : {};
    const summary = [{ type: "summary_text", text }];
    return { id: `rs_${id}${at}`, type: "reasoning", summary, ...sealed };
  }
  const { id: callId, name, input } = callOf(block);
  const call = { call_id: callId, name, arguments: JSON.stringify(input) };
  return { id: `fc_${id}${at}`, type: "function_call", status, ...call };
}

function responseOf(told: Told, output: readonly Json[] | null): Json {
  const isCut = told.stopReason === "max_tokens";
  const ended = isCut ? "incomplete" : "completed";
  return {
    id: `resp_${told.id}`,
    object: "response",
    created_at: CREATED_SECONDS,
    status: output === null ? "in_progress" : ended,
    error: null,
    incomplete_details: output !== null && isCut ? { reason: "max_output_tokens" } : null,
    model: told.model,
    output: output ?? [],
    parallel_tool_calls: true,
    service_tier: "default",
    store: false,
    usage: output === null || told.omitsUsage ? null : usage(told.usage),
  };
}

function eventsOf(told: Told): readonly Json[] {
  const items = told.content.map((block, at) => itemOf(block, at, told));
  const opening = responseOf(told, null);
  const end = told.stopReason === "max_tokens" ? "incomplete" : "completed";
  return [
    { type: "response.created", response: opening },
    { type: "response.in_progress", response: opening },
    ...told.content.flatMap((block, at) => itemEvents(block, items[at] ?? {}, at)),
    { type: `response.${end}`, response: responseOf(told, items) },
  ];
}

function itemEvents(block: Block, item: Json, at: number): readonly Json[] {
  const place = { item_id: item["id"], output_index: at };
  const added = (begun: Json) => ({
    type: "response.output_item.added",
    output_index: at,
    item: begun,
  });
  const done = { type: "response.output_item.done", output_index: at, item };
  if (block.type === "text") {
    const in0 = { ...place, content_index: 0 };
    const part = { type: "output_text", text: "", annotations: [], logprobs: [] };
    const text = textOf(block);
    return [
      added({ ...item, status: "in_progress", content: [] }),
      { type: "response.content_part.added", ...in0, part },
      ...piecesOf(text).map((delta) => ({
        type: "response.output_text.delta",
        ...in0,
        delta,
        logprobs: [],
      })),
      { type: "response.output_text.done", ...in0, text, logprobs: [] },
      { type: "response.content_part.done", ...in0, part: { ...part, text } },
      done,
    ];
  }
  if (block.type === "thinking") {
    const in0 = { ...place, summary_index: 0 };
    const { text } = thinkingOf(block);
    const deltas = piecesOf(text).map((delta) => ({
      type: "response.reasoning_summary_text.delta",
      ...in0,
      delta,
    }));
    return [
      added({ ...item, summary: [] }),
      {
        type: "response.reasoning_summary_part.added",
        ...in0,
        part: { type: "summary_text", text: "" },
      },
      ...deltas,
      { type: "response.reasoning_summary_text.done", ...in0, text },
      {
        type: "response.reasoning_summary_part.done",
        ...in0,
        part: { type: "summary_text", text },
      },
      done,
    ];
  }
  const told = String(item["arguments"]);
  return [
    added({ ...item, status: "in_progress", arguments: "" }),
    ...piecesOf(told).map((delta) => ({
      type: "response.function_call_arguments.delta",
      ...place,
      delta,
    })),
    { type: "response.function_call_arguments.done", ...place, arguments: told },
    done,
  ];
}
