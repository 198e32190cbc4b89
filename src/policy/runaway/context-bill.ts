/** Bill shock by context: short prompts, each of which writes a huge context to the cache anew. */
import type { LimitsOf } from "../../config/runaway-limits.ts";
import { isWork, type AnswerSeen, type Detector } from "./event.ts";

type Limits = LimitsOf<"context_bill">;

/** Less of the context than this was read from the cache: it was cold. */
const COLD_SHARE = 0.5;

export function contextBill(): Detector<Limits> {
  let answeredMs: number | null = null;
  let turns = 0;
  let tokens = 0;
  return {
    answer(seen, limits) {
      const { request, contextTokens, timeMs } = seen;
      if (!isWork(request) || request.agent !== null || contextTokens === null) return null;
      const gapMs = answeredMs === null ? 0 : request.timeMs - answeredMs;
      answeredMs = timeMs;
      if (gapMs < limits.gap_seconds * 1000 || !isShortAndCold(seen, limits)) {
        turns = 0;
        tokens = 0;
        return null;
      }
      turns++;
      tokens += contextTokens - seen.cacheReadTokens;
      if (turns < limits.turns) return null;
      return {
        sentence:
          `${turns} short prompts in a row came after the cache had expired on a context of ` +
          `${contextTokens} tokens: ${tokens} tokens were written again for brief answers.`,
        evidence: { turns, context: contextTokens, tokens_written: tokens },
      };
    },
  };
}

function isShortAndCold(seen: AnswerSeen, limits: Limits): boolean {
  const { request, contextTokens, cacheReadTokens, outputTokens, stopReason } = seen;
  const { tail } = request;
  if (tail === null || tail.calls.length > 0 || tail.text === null) return false;
  if ((contextTokens ?? 0) < limits.context_tokens) return false;
  if (tail.text.bytes > limits.prompt_bytes || outputTokens > limits.output_tokens) return false;
  // A whole answer does not tell; one that goes on with tools does real work.
  if (stopReason !== null && stopReason !== "end_turn") return false;
  return cacheReadTokens <= COLD_SHARE * (contextTokens ?? 0);
}
