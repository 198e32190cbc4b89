/** The port of a door: a canonical request made ready for one upstream format, and its answers read. */
import type { AnswerTranslator, UpstreamFault } from "../wire/answer.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import type { Edit } from "../wire/anthropic/splice.ts";
import type { CanonicalRequest } from "../wire/canonical/request.ts";
import type { AnswerContext, Quirk, Unsupported } from "../wire/egress.ts";

/** A Messages request as it stands, and what has been decided about it. */
export interface DoorRequest {
  readonly body: MessagesBody;
  readonly chunks: readonly Buffer[];
  /** Splices that were decided on: lowered `max_tokens`, lowered `max_uses`. */
  readonly edits: readonly Edit[];
  /** The same request read whole; made once for all attempts, and only where a door needs it. */
  readonly canonical: () => CanonicalRequest | Unsupported;
  /** As the upstream names it. */
  readonly model: string;
  readonly maxTokens: number;
  readonly quirks: ReadonlySet<Quirk>;
  readonly onUnsupported: "refuse" | "drop";
  /** Values of `anthropic-beta`. */
  readonly betas: readonly string[];
  /** A count of tokens is asked for, not an answer. */
  readonly counts: boolean;
  /**
   * The conversation may hold thinking that a door of another dialect gave, and the model is one of
   * Anthropic's, who refuses it. Left out: false.
   */
  readonly mayHoldForeignThinking?: boolean;
}

export interface DoorBody {
  readonly chunks: readonly Buffer[];
  /** Fields of the Messages API that it could not take along. */
  readonly dropped: readonly string[];
  /** Tool names that had to be shortened: name upstream → the client's own. Left out: none. */
  readonly toolNames?: ReadonlyMap<string, string> | null;
}

export interface Door {
  /** Its answers are the client's own dialect, byte for byte. */
  readonly passes: boolean;
  readonly prepare: (request: DoorRequest) => DoorBody | Unsupported;
  /** For an answer below 300; null where bytes pass. */
  readonly answer: (context: AnswerContext) => AnswerTranslator | null;
  /** An error answer in the words of the Messages API; never null. */
  readonly fault: (status: number, body: Buffer) => UpstreamFault;
}
