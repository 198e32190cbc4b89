/** The Messages API's answer as bytes: one JSON body, or server-sent events with their token counts. */
import type { WireUsage } from "./bill.ts";

/** A content block of an answer, as the API shows it when complete. */
export type Block =
  | { type: "text"; text: string; citations?: unknown }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "tool_use"; id: string; name: string; input: unknown }
  | { type: "server_tool_use"; id: string; name: string; input: unknown }
  | { type: string; [field: string]: unknown };

/** A complete answer. */
export interface Message {
  readonly id: string;
  readonly model: string;
  readonly content: readonly Block[];
  readonly stopReason: string;
  readonly stopSequence: string | null;
  /** Null: the upstream reports no usage at all. */
  readonly usage: WireUsage | null;
}

/** One event of a stream. `outputTokens` is how many tokens had been generated once it was sent. */
export interface StreamEvent {
  readonly name: string;
  readonly data: unknown;
  readonly outputTokens: number;
}

const DELTA_CHARACTERS = 24;

/** The whole answer as the API's JSON object, fields in its order. */
export function messageObject(message: Message): Record<string, unknown> {
  return {
    model: message.model,
    id: message.id,
    type: "message",
    role: "assistant",
    content: message.content,
    stop_reason: message.stopReason,
    stop_sequence: message.stopSequence,
    ...(message.usage === null ? {} : { usage: fullUsage(message.usage) }),
  };
}

/** The same answer as the events of a stream; generated tokens are spread evenly over its deltas. */
export function messageEvents(message: Message): StreamEvent[] {
  const output = message.usage?.output_tokens ?? 0;
  const first = Math.min(1, output);
  const blocks = message.content.map((block) => blockDeltas(block));
  const deltaCount = blocks.reduce((sum, block) => sum + block.deltas.length, 0);
  const events: StreamEvent[] = [
    event("message_start", { message: openingMessage(message) }, first),
  ];
  let sent = 0;
  let tokens = first;
  for (const [index, block] of blocks.entries()) {
    events.push(event("content_block_start", { index, content_block: block.opening }, tokens));
    for (const delta of block.deltas) {
      sent += 1;
      tokens = Math.max(first, Math.floor((output * sent) / deltaCount));
      events.push(event("content_block_delta", { index, delta }, tokens));
    }
    events.push(event("content_block_stop", { index }, tokens));
  }
  const delta = { stop_reason: message.stopReason, stop_sequence: message.stopSequence };
  const usage = message.usage === null ? {} : { usage: closingUsage(message.usage) };
  events.push(
    event("message_delta", { delta, ...usage }, output),
    event("message_stop", {}, output),
  );
  return events;
}

/** Tokens and counts as the API shows them, with the fields that it always sends. */
function fullUsage(usage: WireUsage): WireUsage {
  const written = usage.cache_creation_input_tokens ?? 0;
  return {
    cache_creation_input_tokens: written,
    cache_read_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: 0 },
    service_tier: "standard",
    ...usage,
  };
}

/** One event as bytes. */
export function encodeEvent(streamEvent: StreamEvent, lineEnd: "\n" | "\r\n" = "\n"): Buffer {
  const lines = [`event: ${streamEvent.name}`, `data: ${JSON.stringify(streamEvent.data)}`, "", ""];
  return Buffer.from(lines.join(lineEnd), "utf8");
}

/** An event with its `type` first, as every event of the API has it. */
export function event(name: string, fields: object, outputTokens: number): StreamEvent {
  return { name, data: { type: name, ...fields }, outputTokens };
}

function openingMessage(message: Message): Record<string, unknown> {
  const opening = messageObject({ ...message, content: [] });
  opening["stop_reason"] = null;
  opening["stop_sequence"] = null;
  if (message.usage !== null) {
    const {
      iterations: _,
      output_tokens_details: __,
      server_tool_use: ___,
      ...start
    } = message.usage;
    opening["usage"] = fullUsage({ ...start, output_tokens: Math.min(1, start.output_tokens) });
  }
  return opening;
}

/** `message_delta` carries cumulative counts, without the split of cache writes. */
function closingUsage(usage: WireUsage): Record<string, unknown> {
  const {
    cache_creation: _,
    service_tier: __,
    speed: ___,
    inference_geo: ____,
    ...rest
  } = fullUsage(usage);
  return rest;
}

function blockDeltas(block: Block): { opening: object; deltas: object[] } {
  switch (block.type) {
    case "text": {
      const parts = pieces(String(block["text"])).map((text) => ({ type: "text_delta", text }));
      return { opening: { ...block, text: "" }, deltas: parts };
    }
    case "thinking": {
      const parts = pieces(String(block["thinking"])).map((thinking) => ({
        type: "thinking_delta",
        thinking,
      }));
      const signature = { type: "signature_delta", signature: block["signature"] };
      return { opening: { ...block, thinking: "", signature: "" }, deltas: [...parts, signature] };
    }
    case "tool_use":
    case "server_tool_use": {
      const json = pieces(JSON.stringify(block["input"]));
      const parts = ["", ...json].map((part) => ({ type: "input_json_delta", partial_json: part }));
      return { opening: { ...block, input: {} }, deltas: parts };
    }
    default:
      return { opening: block, deltas: [] };
  }
}

/** Cuts by code point, so that every piece is well-formed text. */
function pieces(text: string): string[] {
  const points = Array.from(text);
  const parts: string[] = [];
  for (let start = 0; start < points.length; start += DELTA_CHARACTERS) {
    parts.push(points.slice(start, start + DELTA_CHARACTERS).join(""));
  }
  return parts;
}
