/** Retry storm: the same body is sent again and again, and fails each time. */
import type { LimitsOf } from "../../config/runaway-limits.ts";
import { LOOPS_MAX, Recent } from "./bounded.ts";
import {
  lasting,
  loopOf,
  MINUTE_MS,
  type AnswerSeen,
  type Detector,
  type Finding,
} from "./event.ts";

type Limits = LimitsOf<"retry_storm">;

/** `"stream":false` and a moved marker make no other body. */
const SAME_BYTES = 64;

interface Body {
  readonly digest: number;
  readonly bytes: number;
  readonly sinceMs: number;
  tries: number;
  /** Tries that were no repetitions by the client's library. */
  begun: number;
}

export function retryStorm(): Detector<Limits> {
  const bodies = new Recent<Body>(LOOPS_MAX);
  return {
    answer(seen, limits) {
      const { request, outcome } = seen;
      const { tail, bytes } = request;
      if (tail === null || outcome === "refused") return null;
      const key = `${request.task} ${loopOf(request)}`;
      const known = bodies.get(key);
      const same =
        known !== undefined &&
        known.digest === tail.digest &&
        Math.abs(known.bytes - bytes) <= SAME_BYTES &&
        request.timeMs - known.sinceMs <= limits.within_minutes * MINUTE_MS;
      if (outcome === "ok") {
        if (same) bodies.delete(key);
        return null;
      }
      const body = same
        ? known
        : { digest: tail.digest, bytes, sinceMs: request.timeMs, tries: 0, begun: 0 };
      bodies.set(key, body);
      body.tries++;
      if (request.retries === 0) body.begun++;
      return judge(body, seen, limits);
    },
  };
}

function judge(body: Body, { timeMs }: AnswerSeen, limits: Limits): Finding | null {
  const { tries, begun, bytes } = body;
  if (begun < limits.repeats && tries < limits.tries) return null;
  const tookMs = timeMs - body.sinceMs;
  return {
    sentence:
      `The same request of ${bytes} bytes failed ${tries} times in ${lasting(tookMs)}, ` +
      `begun anew ${begun} times.`,
    evidence: { tries, begun, bytes, took_ms: tookMs },
  };
}
