/** Hook loop: each answer that ends its turn is spoken to again at once, with the same words. */
import type { LimitsOf } from "../../config/runaway-limits.ts";
import { LOOPS_MAX, Recent } from "./bounded.ts";
import { isWork, lasting, loopOf, type Detector, type Finding } from "./event.ts";

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
      const { tail } = seen;
      const loop = loops.get(loopOf(seen));
      if (loop === undefined || tail === null || !isWork(seen) || seen.retries > 0) return null;
      const text = tail.calls.length > 0 ? null : tail.text;
      const atOnce = loop.endedMs !== null && seen.timeMs - loop.endedMs <= limits.gap_ms;
      loop.endedMs = null;
      if (!atOnce || text === null) {
        loop.turns = 0;
        loop.opening = tail.text?.opening ?? null;
        return null;
      }
      speakAgain(loop, text.opening, seen.timeMs);
      return loop.turns < limits.turns ? null : findingOf(loop, seen.timeMs);
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

function speakAgain(loop: Loop, opening: number, timeMs: number): void {
  const same = loop.opening === opening;
  loop.opening = opening;
  if (!same || loop.turns === 0) loop.sinceMs = timeMs;
  loop.turns = same ? loop.turns + 1 : 1;
}

function findingOf({ turns, sinceMs }: Loop, timeMs: number): Finding {
  const tookMs = timeMs - sinceMs;
  return {
    sentence:
      `${turns} answers in a row that had ended their turn were answered with the ` +
      `same words at once, in ${lasting(tookMs)}: a hook that continues on its own.`,
    evidence: { turns, took_ms: tookMs },
  };
}
