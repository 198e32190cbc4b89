/** Cache thrash: a context that must be warm is written to the cache again and again. */
import type { LimitsOf } from "../../config/runaway-limits.ts";
import { LOOPS_MAX, Recent } from "./bounded.ts";
import {
  isWork,
  lasting,
  loopOf,
  MINUTE_MS,
  type AnswerSeen,
  type Detector,
  type Finding,
} from "./event.ts";

type Limits = LimitsOf<"cache_thrash">;

const SHORT_TTL_MS = 5 * MINUTE_MS;
const LONG_TTL_MS = 60 * MINUTE_MS;
/** Entries may end a little before their time. */
const SURELY_ALIVE = 0.9;
const DROPS_KEPT = 100;
/** What is smaller than before by more than this was cut, and is rightly written anew. */
const KEPT_SHARE = 0.97;

interface Before {
  readonly timeMs: number;
  readonly tokens: number;
  readonly model: string | null;
  readonly toolsBytes: number;
  readonly hour: boolean;
}

export function cacheThrash(): Detector<Limits> {
  const loops = new Recent<Before>(LOOPS_MAX);
  let drops: readonly Drop[] = [];
  let answers = 0;
  return {
    answer(seen, limits) {
      const { request, contextTokens } = seen;
      // What follows a compaction is rightly written anew.
      if (request.task === "compaction") loops.delete(loopOf(request));
      if (contextTokens === null || !isWork(request)) return null;
      answers++;
      const before = loops.get(loopOf(request));
      loops.set(loopOf(request), {
        timeMs: request.timeMs,
        tokens: contextTokens,
        model: request.model,
        toolsBytes: request.toolsBytes,
        hour: seen.writesForAnHour || (before?.hour === true && seen.cacheWriteTokens === 0),
      });
      if (before === undefined || !isDrop(seen, before, limits)) return null;
      const fromMs = request.timeMs - limits.within_minutes * MINUTE_MS;
      const drop = { timeMs: request.timeMs, answers, tokens: seen.cacheWriteTokens };
      drops = [...drops.filter(({ timeMs }) => timeMs >= fromMs), drop].slice(-DROPS_KEPT);
      return judge(drops, seen, limits);
    },
  };
}

interface Drop {
  readonly timeMs: number;
  /** How many answers the session had then. */
  readonly answers: number;
  readonly tokens: number;
}

function judge(drops: readonly Drop[], seen: AnswerSeen, limits: Limits): Finding | null {
  const [first, last] = [drops[0], drops.at(-1)];
  if (first === undefined || last === undefined || drops.length < limits.drops) return null;
  // Single entries die early for no reason: among many answers that is no pattern.
  const answers = last.answers - first.answers + 1;
  if (drops.length * 100 < answers * limits.percent) return null;
  const tokens = drops.reduce((sum, drop) => sum + drop.tokens, 0);
  const tookMs = last.timeMs - first.timeMs;
  const { cacheReadTokens: read, contextTokens: context } = seen;
  return {
    sentence:
      `A warm context was written to the cache again ${drops.length} times in ` +
      `${lasting(tookMs)} and ${answers} answers, ${tokens} tokens in all; the last time ` +
      `${read} of ${context} were read from it.`,
    evidence: {
      drops: drops.length,
      answers,
      tokens,
      read,
      context: context ?? 0,
      took_ms: tookMs,
    },
  };
}

function isDrop(seen: AnswerSeen, before: Before, limits: Limits): boolean {
  const { request, contextTokens, cacheReadTokens, cacheWriteTokens } = seen;
  const ttlMs = before.hour ? LONG_TTL_MS : SHORT_TTL_MS;
  if (request.timeMs - before.timeMs > SURELY_ALIVE * ttlMs) return false;
  if (before.tokens < limits.context_tokens || cacheWriteTokens === 0) return false;
  if ((contextTokens ?? 0) < KEPT_SHARE * before.tokens) return false;
  if (request.model !== before.model || request.toolsBytes !== before.toolsBytes) return false;
  return cacheReadTokens * 100 <= before.tokens * limits.read_percent;
}
