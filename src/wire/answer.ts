/** What is read of an upstream's answer, whatever its format: the same words for every door. */
import type { BilledUsage, Usage } from "../core/usage.ts";

/** What has been read of an answer so far. */
export interface Reading {
  /** The exact input is known: a stream's start has told it. */
  readonly started: boolean;
  /** The provider's last word on usage has passed. */
  readonly final: boolean;
  /** Usage as reported so far; null where none could be read. */
  readonly billed: BilledUsage | null;
  /** Bytes of content relayed: never fewer than its tokens. */
  readonly contentBytes: number;
  /** Of a stream; null where it is not known. In the words of the Messages API. */
  readonly stopReason: string | null;
  /** The provider's own error envelope, or an error event inside the stream. */
  readonly error: UpstreamFault | null;
  readonly refusedBeforeOutput: boolean;
  /** It is an answer, however it ends: content has come, or a whole message is here. */
  readonly isAnswer: boolean;
}

/** An upstream's own error, in the words of the Messages API. */
export interface UpstreamFault {
  /** An `error.type` of the Messages API: "overloaded_error". */
  readonly type: string;
  readonly message: string;
  /** What can be told of its cause besides the type; left out: nothing. */
  readonly cause?: "context_length" | "content_policy";
  /** When the upstream may be asked again, where its body says so (a header is read elsewhere). */
  readonly retryAfterMs?: number;
}

/** Reads an answer of the Messages API while it passes through unchanged. */
export interface AnswerReader {
  readonly feed: (chunk: Buffer) => void;
  /** How far it has got; exact for plain streams, up to date only after `finish` for encoded ones. */
  readonly reading: () => Reading;
  /** Reads what is still in a decoder. */
  readonly finish: () => Promise<Reading>;
  /** After `finish`: a stream's own end has passed. Always true for a whole answer. */
  readonly isWhole: () => boolean;
}

export const NOTHING_READ: Reading = {
  started: false,
  final: false,
  billed: null,
  contentBytes: 0,
  stopReason: null,
  error: null,
  refusedBeforeOutput: false,
  isAnswer: false,
};

/** Turns one upstream answer into one of the Messages API while it passes. */
export interface AnswerTranslator {
  /** Takes the next piece, cut anywhere; gives what goes to the client now, null for nothing. */
  readonly feed: (chunk: Buffer) => Buffer | null;
  /**
   * The upstream's answer is complete as far as its framing tells; gives what is left for the client.
   * A stream whose own end never came stays without its closing events: `isWhole` is false.
   */
  readonly end: () => Buffer | null;
  /** True once the dialect's own end has passed; false for a cut or malformed answer. */
  readonly isWhole: () => boolean;
  readonly reading: () => Reading;
}

/** Usage of an answer that was made in one pass at the request's own model. */
export function billedOnce(usage: Usage, free: boolean): BilledUsage {
  const passes = [{ model: null, usage, free }];
  return { usage, passes, speed: null, inferenceGeo: null, serviceTier: null };
}
