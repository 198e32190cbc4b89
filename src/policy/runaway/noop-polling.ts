/** No-op polling: a timer prompts the session at a steady pace, and nothing comes of it. */
import type { LimitsOf } from "../../config/runaway-limits.ts";
import { isWork, MINUTE_MS, type Detector, type Finding, type RequestSeen } from "./event.ts";

type Limits = LimitsOf<"noop_polling">;

/** Calls closer than this belong to one prompt. */
const IDLE_MS = 4 * MINUTE_MS;
const PERIOD_MS_MAX = 75 * MINUTE_MS;
const NOTHING_FIRED = -1;

export function noopPolling(): Detector<Limits> {
  let firedMs = NOTHING_FIRED;
  let lastMs = NOTHING_FIRED;
  let opening: number | null = null;
  let [outputTokens, calls] = [0, 0];
  let periodMs = 0;
  let fires = 0;

  function judge(seen: RequestSeen, limits: Limits): Finding | null {
    const wasIdle = calls <= limits.calls && outputTokens <= limits.output_tokens;
    const gapMs = seen.timeMs - firedMs;
    const sameWords = opening !== null && opening === (seen.tail?.text?.opening ?? null);
    const steady =
      fires === 1 || Math.abs(gapMs - periodMs) * 100 <= periodMs * limits.jitter_percent;
    if (!wasIdle || !sameWords || !steady || gapMs > PERIOD_MS_MAX) {
      fires = 1;
      return null;
    }
    periodMs = (periodMs * (fires - 1) + gapMs) / fires;
    fires++;
    if (fires < limits.fires) return null;
    const minutes = Math.round(periodMs / MINUTE_MS);
    return {
      sentence:
        `The same prompt came ${fires} times, every ${minutes} minutes, and at most ` +
        `${limits.output_tokens} tokens came of each.`,
      evidence: { fires, period_ms: Math.round(periodMs), output_tokens: outputTokens },
    };
  }

  return {
    request(seen, limits) {
      if (!isWork(seen) || seen.retries > 0) return null;
      const begins = lastMs === NOTHING_FIRED || seen.timeMs - lastMs >= IDLE_MS;
      lastMs = seen.timeMs;
      if (!begins) {
        calls++;
        return null;
      }
      const finding = firedMs === NOTHING_FIRED ? null : judge(seen, limits);
      if (firedMs === NOTHING_FIRED) fires = 1;
      firedMs = seen.timeMs;
      opening = seen.tail?.text?.opening ?? null;
      [outputTokens, calls] = [0, 1];
      return finding;
    },
    answer(seen) {
      if (!isWork(seen.request)) return null;
      outputTokens += seen.outputTokens;
      lastMs = Math.max(lastMs, seen.timeMs);
      return null;
    },
  };
}
