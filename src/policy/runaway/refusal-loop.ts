/** Refusal loop: a refusal sets off the very next request, over and over. */
import type { LimitsOf } from "../../config/runaway-limits.ts";
import { LOOPS_MAX, Recent } from "./bounded.ts";
import { isWork, lasting, loopOf, type Detector } from "./event.ts";

type Limits = LimitsOf<"refusal_loop">;

interface Loop {
  refusedMs: number;
  refusals: number;
  sinceMs: number;
}

export function refusalLoop(): Detector<Limits> {
  const loops = new Recent<Loop>(LOOPS_MAX);
  return {
    answer({ request, outcome, timeMs }, limits) {
      // Repetitions by the client's library end by themselves.
      if (!isWork(request) || request.retries > 0) return null;
      const key = loopOf(request);
      if (outcome !== "refused") {
        loops.delete(key);
        return null;
      }
      const known = loops.get(key);
      const follows = known !== undefined && request.timeMs - known.refusedMs <= limits.gap_ms;
      const loop = follows ? known : { refusedMs: timeMs, refusals: 0, sinceMs: timeMs };
      loops.set(key, loop);
      loop.refusedMs = timeMs;
      loop.refusals++;
      if (loop.refusals < limits.refusals) return null;
      const tookMs = timeMs - loop.sinceMs;
      return {
        sentence:
          `${loop.refusals} refusals in ${lasting(tookMs)}, each followed by a new request at ` +
          "once: something continues on errors.",
        evidence: { refusals: loop.refusals, took_ms: tookMs },
      };
    },
  };
}
