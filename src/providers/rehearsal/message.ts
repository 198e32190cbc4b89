/** The answer as a Messages API gives it: blocks with ids and signatures, cut at `max_tokens`, usage. */
import { randomBase62 } from "../../core/ids.ts";
import { tokensOf } from "./prompt-cache.ts";
import type { InputTokens } from "./prompt-cache.ts";
import type { RehearsalRequest } from "./request.ts";
import type { Say } from "./script.ts";

export type AnswerBlock =
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      readonly input: Readonly<Record<string, unknown>>;
    };

/** `usage` of an answer, field for field as Anthropic reports it. */
interface AnswerUsage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number;
    readonly ephemeral_1h_input_tokens: number;
  };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly thinking_tokens: number };
  readonly service_tier: "standard";
}

export interface Answer {
  readonly id: string;
  readonly type: "message";
  readonly role: "assistant";
  readonly model: string;
  readonly content: readonly AnswerBlock[];
  readonly stop_reason: "end_turn" | "tool_use" | "max_tokens";
  readonly stop_sequence: null;
  readonly usage: AnswerUsage;
}

const ID_CHARACTERS = 24;
const SIGNATURE_CHARACTERS = 64;
const CHARACTERS_PER_TOKEN = 4;
/** Tokens around a call's input: its name and delimiters. */
const CALL_TOKENS = 12;

interface Draft {
  readonly block: AnswerBlock;
  readonly tokens: number;
}

/** Turns what the script says into an answer of at most the request's `max_tokens`. */
export function answerOf(request: RehearsalRequest, say: Say, input: InputTokens): Answer {
  const drafts = draftsOf(request, say);
  const kept = cutTo(request.maxTokens, drafts);
  const wholeTokens = drafts.reduce((sum, draft) => sum + draft.tokens, 0);
  const cut = wholeTokens > request.maxTokens;
  const thinking = kept.find(({ block }) => block.type === "thinking")?.tokens ?? 0;
  return {
    id: `msg_${randomBase62(ID_CHARACTERS)}`,
    type: "message",
    role: "assistant",
    model: request.model,
    content: kept.map(({ block }) => block),
    stop_reason: cut ? "max_tokens" : endOf(say),
    stop_sequence: null,
    usage: usageOf(input, Math.min(wholeTokens, request.maxTokens), thinking),
  };
}

function endOf(say: Say): Answer["stop_reason"] {
  return say.call === null ? "end_turn" : "tool_use";
}

function usageOf(input: InputTokens, output: number, thinking: number): AnswerUsage {
  return {
    input_tokens: input.plain,
    cache_creation_input_tokens: input.write5m + input.write1h,
    cache_read_input_tokens: input.read,
    cache_creation: {
      ephemeral_5m_input_tokens: input.write5m,
      ephemeral_1h_input_tokens: input.write1h,
    },
    output_tokens: output,
    output_tokens_details: { thinking_tokens: thinking },
    service_tier: "standard",
  };
}

function draftsOf(request: RehearsalRequest, say: Say): readonly Draft[] {
  const drafts: Draft[] = [];
  if (request.thinking !== "none") {
    const thinking = request.thinking === "omitted" ? "" : say.thinking;
    const signature = randomBase62(SIGNATURE_CHARACTERS);
    // Omitted thinking is generated, and charged, all the same.
    const tokens = tokensOf(say.thinking);
    drafts.push({ block: { type: "thinking", thinking, signature }, tokens });
  }
  if (say.text !== "") {
    drafts.push({ block: { type: "text", text: say.text }, tokens: tokensOf(say.text) });
  }
  if (say.call !== null) {
    const id = `toolu_${randomBase62(ID_CHARACTERS)}`;
    const tokens = tokensOf(JSON.stringify(say.call.input)) + CALL_TOKENS;
    drafts.push({ block: { type: "tool_use", id, ...say.call }, tokens });
  }
  return drafts;
}

/** The drafts that fit; the first that does not ends the answer, a text with what still fits of it. */
function cutTo(maxTokens: number, drafts: readonly Draft[]): readonly Draft[] {
  const kept: Draft[] = [];
  let left = maxTokens;
  for (const draft of drafts) {
    if (draft.tokens > left) {
      if (draft.block.type !== "text" || left === 0) break;
      const text = draft.block.text.slice(0, left * CHARACTERS_PER_TOKEN);
      kept.push({ block: { type: "text", text }, tokens: left });
      break;
    }
    kept.push(draft);
    left -= draft.tokens;
  }
  return kept;
}
