/** What a dialect of the scripted upstreams has to be able to do, and what a script sees of a request. */
import type { WireUsage } from "../bill.ts";
import type { Block } from "../sse.ts";
import type { Json } from "./check.ts";

export type DialectFormat =
  | "anthropic-messages"
  | "bedrock-invoke"
  | "bedrock-converse"
  | "vertex-anthropic"
  | "openai-chat"
  | "openai-responses"
  | "gemini";

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What an address asks for. */
export interface Place {
  readonly asks: "message" | "count";
  /** In the path; null where the body says it. */
  readonly model: string | null;
  /** Null where the body says it. */
  readonly stream: boolean | null;
}

export interface ToolResultView {
  /** Of the call; "" in a dialect that has none. */
  readonly id: string;
  readonly text: string;
  /** By the dialect's own flag; false where it has none. */
  readonly isError: boolean;
  /** Pictures inside the result. */
  readonly images: number;
}

/** A request in words that all dialects share. */
export interface RequestView {
  readonly model: string;
  readonly stream: boolean;
  readonly maxTokens: number | null;
  readonly system: string;
  readonly tools: readonly string[];
  /** What the user has said, in order. */
  readonly texts: readonly string[];
  readonly toolResults: readonly ToolResultView[];
  /** Signatures, or encrypted reasoning, that came back from earlier answers. */
  readonly signatures: readonly string[];
  /** Thinking of earlier answers that came back in plain text. */
  readonly thoughts: readonly string[];
  readonly thinkingWanted: boolean;
  /** Pictures in the user's messages, beside those inside results. */
  readonly images: number;
}

/** Token counts as they are charged, each class once. */
export interface Charge {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly write5m: number;
  readonly write1h: number;
}

/** A scripted answer, ready to be put on the wire. */
export interface Told {
  readonly id: string;
  readonly model: string;
  readonly content: readonly Block[];
  /** In the words of the Messages API. */
  readonly stopReason: string;
  readonly stopSequence: string | null;
  /** In the words of the Messages API; what goes out is in the dialect's. */
  readonly usage: WireUsage;
  /** The answer names no usage. */
  readonly omitsUsage: boolean;
  /** The request's body. */
  readonly request: Json;
}

export interface Dialect {
  readonly streamType: string;
  /** Null: nothing is at that address. */
  readonly place: (path: string) => Place | null;
  /** @throws Refused where the real API would refuse. */
  readonly check: (body: Json, place: Place, headers: Headers) => void;
  readonly view: (body: Json, place: Place) => RequestView;
  /** The answer as pieces, each written at once. */
  readonly stream: (told: Told) => readonly Buffer[];
  readonly whole: (told: Told) => Json;
  /** The charge by the dialect's own usage, exactly as it stands in a body or a stream. */
  readonly charge: (usage: Json) => Charge;
  /** The same counts in the dialect's usage convention. */
  readonly usage: (usage: WireUsage) => Json;
  readonly error: (status: number, message: string) => Json;
  /** An error in the middle of a stream. */
  readonly errorPiece: (type: string) => Buffer;
  readonly count: (tokens: number) => Json;
}

/** One event of a stream of server-sent events without a name. */
export function dataEvent(value: unknown): Buffer {
  return Buffer.from(`data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`);
}

/** Cuts a text into pieces, by code point. */
export function piecesOf(text: string, size = 24): readonly string[] {
  const points = Array.from(text);
  const pieces: string[] = [];
  for (let at = 0; at < points.length; at += size)
    pieces.push(points.slice(at, at + size).join(""));
  return pieces;
}

export function thinkingOf(block: Block): { readonly text: string; readonly signature: string } {
  const { thinking, signature } = block as { thinking?: string; signature?: string };
  return { text: thinking ?? "", signature: signature ?? "" };
}

export function textOf(block: Block): string {
  return String((block as { text?: string }).text);
}

export function callOf(block: Block): {
  readonly id: string;
  readonly name: string;
  readonly input: Json;
} {
  const { id, name, input } = block as { id?: string; name?: string; input?: Json };
  return { id: id ?? "", name: name ?? "", input: input ?? {} };
}
