/** Hook loop: each answer that ends its turn is spoken to again at once, with the same words. */
import type { LimitsOf } from "../../config/runaway-limits.ts";
import { LOOPS_MAX, Recent } from "./bounded.ts";
import { isWork, lasting, loopOf, type Detector } from "./event.ts";

type Limits = LimitsOf<"hook_loop">;

interface Loop {
  /** When the last short answer ended its turn; null: the last answer did not. */
  endedMs: number | null;
  /** How the words began that were said last. */
  opening: number | null;
  turns: number;
  sinceMs: number;
}

export function hookLoop(): Detector<Limits> {
  const loops = new Recent<Loop>(LOOPS_MAX);
  return {
    request(seen, limits) {
      if (!isWork(seen) || seen.tail === null || seen.retries > 0) return null;
      const loop = loops.get(loopOf(seen));
      if (loop === undefined) return null;
      const { calls, text } = seen.tail;
      const atOnce = loop.endedMs !== null && seen.timeMs - loop.endedMs <= limits.gap_ms;
      loop.endedMs = null;
      if (!atOnce || calls.length > 0 || text === null) {
        loop.turns = 0;
        loop.opening = text?.opening ?? null;
        return null;
      }
      const same = loop.opening === text.opening;
      loop.opening = text.opening;
      if (!same || loop.turns === 0) loop.sinceMs = seen.timeMs;
      loop.turns = same ? loop.turns + 1 : 1;
      if (loop.turns < limits.turns) return null;
      const tookMs = seen.timeMs - loop.sinceMs;
      return {
        sentence:
          `${loop.turns} answers in a row that had ended their turn were answered with the ` +
          `same words at once, in ${lasting(tookMs)}: a hook that continues on its own.`,
        evidence: { turns: loop.turns, text_bytes: text.bytes, took_ms: tookMs },
      };
    },
    answer({ request, stopReason, outputTokens, timeMs }, limits) {
      if (!isWork(request)) return null;
      const key = loopOf(request);
      const loop = loops.get(key) ?? { endedMs: null, opening: null, turns: 0, sinceMs: timeMs };
      loops.set(key, loop);
      const isShort = stopReason === "end_turn" && outputTokens <= limits.output_tokens;
      loop.endedMs = isShort ? timeMs : null;
      return null;
    },
  };
}
