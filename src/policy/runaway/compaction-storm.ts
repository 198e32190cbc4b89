/** Compaction storm: the context is compacted again and again, and nothing else gets done. */
import type { LimitsOf } from "../../config/runaway-limits.ts";
import { LOOPS_MAX, Recent } from "./bounded.ts";
import {
  isWork,
  lasting,
  loopOf,
  MINUTE_MS,
  type Detector,
  type Finding,
  type RequestSeen,
} from "./event.ts";

type Limits = LimitsOf<"compaction_storm">;

const COMPACTIONS_KEPT = 100;

interface Compaction {
  readonly timeMs: number;
  readonly tokensBefore: number;
  callsAfter: number;
  tokensAfter: number | null;
}

interface Loop {
  prompt: string | null;
  tokens: number;
  /** Oldest first. */
  compactions: Compaction[];
}

export function compactionStorm(): Detector<Limits> {
  const loops = new Recent<Loop>(LOOPS_MAX);
  const loopFor = (seen: RequestSeen): Loop => {
    const loop = loops.get(loopOf(seen)) ?? { prompt: null, tokens: 0, compactions: [] };
    loops.set(loopOf(seen), loop);
    return loop;
  };
  return {
    request(seen, limits) {
      if (seen.task === "compaction" && seen.retries === 0)
        return compacted(loopFor(seen), seen, limits);
      if (!isWork(seen) || seen.retries > 0) return null;
      const loop = loopFor(seen);
      const last = loop.compactions.at(-1);
      if (last !== undefined) last.callsAfter++;
      if (seen.prompt !== null && loop.prompt !== null && seen.prompt !== loop.prompt)
        loop.compactions = [];
      loop.prompt = seen.prompt ?? loop.prompt;
      return null;
    },
    answer({ request, contextTokens }) {
      if (contextTokens === null || !isWork(request)) return null;
      const loop = loopFor(request);
      loop.tokens = contextTokens;
      const last = loop.compactions.at(-1);
      if (last !== undefined) last.tokensAfter ??= contextTokens;
      return null;
    },
  };
}

function compacted(loop: Loop, seen: RequestSeen, limits: Limits): Finding | null {
  const last = loop.compactions.at(-1);
  if (last !== undefined && !isIdle(last, limits)) loop.compactions = [];
  const windowMs = limits.within_minutes * MINUTE_MS;
  loop.compactions = [
    ...loop.compactions.filter(({ timeMs }) => timeMs >= seen.timeMs - windowMs),
    { timeMs: seen.timeMs, tokensBefore: loop.tokens, callsAfter: 0, tokensAfter: null },
  ].slice(-COMPACTIONS_KEPT);
  const { compactions } = loop;
  if (compactions.length < limits.compactions) return null;
  const tookMs = seen.timeMs - (compactions[0]?.timeMs ?? seen.timeMs);
  const calls = compactions.reduce((sum, { callsAfter }) => sum + callsAfter, 0);
  return {
    sentence:
      `The context was compacted ${compactions.length} times in ${lasting(tookMs)} with ` +
      `${calls} other calls between and nothing typed.`,
    evidence: { compactions: compactions.length, calls, took_ms: tookMs, tokens: loop.tokens },
  };
}

/** Next to nothing was done since, or next to nothing was gained. */
function isIdle({ callsAfter, tokensBefore, tokensAfter }: Compaction, limits: Limits): boolean {
  if (callsAfter <= limits.calls_between) return true;
  if (tokensAfter === null || tokensBefore === 0) return false;
  return tokensAfter * 100 >= tokensBefore * limits.kept_percent;
}
