/** What a scripted upstream can answer, and short ways to say it. */
import type { WireUsage } from "./bill.ts";
import type { Block, StreamEvent } from "./sse.ts";
import type { ReceivedRequest } from "./upstream-request.ts";

/** Decides the answer to one request of the Messages API. */
export type Script = (request: ReceivedRequest) => Answer | Promise<Answer>;

export type Answer = MessageAnswer | HttpAnswer;

/** A model's answer, streamed or whole as the request asks. */
export interface MessageAnswer {
  readonly kind: "message";
  readonly content: readonly Block[];
  readonly usage: WireUsage;
  readonly stopReason?: string;
  readonly stopSequence?: string;
  /** Default: the request's. */
  readonly model?: string;
  readonly delivery?: Delivery;
  readonly fault?: Fault;
}

/** How an answer travels. */
export interface Delivery {
  readonly headDelayMs?: number;
  readonly eventDelayMs?: number;
  /** Bytes a write: `event` (default) one event each, `whole` all at once, or a fixed number. */
  readonly chunks?: "event" | "whole" | number;
  readonly lineEnd?: "\r\n";
  /** A ping after each n-th event. */
  readonly pingEvery?: number;
  /** Put in before the closing `message_delta`. */
  readonly extraEvents?: readonly StreamEvent[];
  readonly gzip?: true;
  /** The answer names no usage although it is charged. */
  readonly omitUsage?: true;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How an answer goes wrong. What was generated before is charged all the same. */
export type Fault =
  /** The head never comes; the connection stays open. */
  | { readonly kind: "no_head" }
  | { readonly kind: "reset_before_head" }
  /** The connection breaks after that many events (whole answers: in the middle). */
  | { readonly kind: "reset"; readonly afterEvents: number }
  /** The stream ends properly for HTTP, in the middle of the next event. */
  | { readonly kind: "half_frame"; readonly afterEvents: number }
  /** The stream ends properly for HTTP, between two events. */
  | { readonly kind: "early_end"; readonly afterEvents: number }
  /** Silence after that many events; the connection stays open. */
  | { readonly kind: "stall"; readonly afterEvents: number }
  | { readonly kind: "error_event"; readonly afterEvents: number; readonly type: string }
  /** Promises more bytes than it sends, then closes (whole answers only). */
  | { readonly kind: "short_body" };

/** Any other HTTP answer. */
export interface HttpAnswer {
  readonly kind: "http";
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  readonly headDelayMs?: number;
  /** What the provider charges in spite of the status; default: nothing. */
  readonly charged?: WireUsage;
}

/** Usage with everything at zero but what is named. */
export function usage(counts: Partial<WireUsage> = {}): WireUsage {
  return { input_tokens: 0, output_tokens: 0, ...counts };
}

/** A text answer that ends its turn. */
export function text(words: string, counts: Partial<WireUsage> = {}): MessageAnswer {
  return {
    kind: "message",
    content: [{ type: "text", text: words }],
    usage: usage({ input_tokens: 10, output_tokens: 5, ...counts }),
  };
}

/** An answer that calls tools; each call is `[id, name, input]`. */
export function toolCalls(
  calls: readonly (readonly [id: string, name: string, input: unknown])[],
  counts: Partial<WireUsage> = {},
): MessageAnswer {
  return {
    kind: "message",
    content: calls.map(([id, name, input]) => ({ type: "tool_use", id, name, input })),
    usage: usage({ input_tokens: 10, output_tokens: 20, ...counts }),
    stopReason: "tool_use",
  };
}

/** The same answer with a thinking block first. */
export function withThinking(answer: MessageAnswer, thinking: string): MessageAnswer {
  const block: Block = {
    type: "thinking",
    thinking,
    signature: "c2lnbmF0dXJlIG9mIHRoZSBzY3JpcHQ=",
  };
  return { ...answer, content: [block, ...answer.content] };
}

/** An error in the provider's own envelope. */
export function apiError(
  status: number,
  type: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const body = JSON.stringify({ type: "error", error: { type, message } });
  return {
    kind: "http",
    status,
    headers: { "content-type": "application/json", ...headers },
    body,
  };
}

/** An error page of something in front of the provider: no envelope. */
export function htmlError(
  status: number,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const body = `<html><head><title>${status}</title></head><body><h1>${status}</h1></body></html>`;
  return { kind: "http", status, headers: { "content-type": "text/html", ...headers }, body };
}

/** Answers from a list, the last one for ever after. */
export function inTurn(...answers: readonly [Answer, ...Answer[]]): Script {
  let next = 0;
  return () => {
    const answer = answers[Math.min(next, answers.length - 1)] ?? answers[0];
    next += 1;
    return answer;
  };
}
