/** Repeats of a call with the same `Idempotency-Key` get the first one's answer, and change nothing. */
import { hash } from "node:crypto";
import type { Clock } from "../core/time.ts";
import { Problem } from "./problem.ts";
import type { RawCall, Reply } from "./route.ts";

interface Remembered {
  readonly digest: string;
  readonly reply: Promise<Reply>;
  readonly untilMs: number;
}

export interface Idempotency {
  /**
   * Runs `act`, or gives what it gave when this key came first. `name` is the call's method and path.
   * Failures are forgotten: they may be tried again.
   *
   * @throws Problem where the key came with another body before.
   */
  readonly once: (
    name: string,
    call: Pick<RawCall, "headers" | "body">,
    act: () => Promise<Reply>,
  ) => Promise<Reply>;
}

const REMEMBERED_MS = 24 * 3_600_000;
const KEYS_MAX = 10_000;
const KEY_CHARACTERS_MAX = 255;

/** Remembers in memory, for 24 hours or until 10,000 newer keys have come. */
export function createIdempotency(clock: Clock): Idempotency {
  const known = new Map<string, Remembered>();
  return {
    async once(name, call, act) {
      const key = call.headers["idempotency-key"];
      if (key === undefined) return act();
      if (typeof key !== "string" || key === "" || key.length > KEY_CHARACTERS_MAX) {
        const detail = `The header Idempotency-Key is not 1 to ${KEY_CHARACTERS_MAX} characters.`;
        throw new Problem("invalid_parameter", detail, { parameter: "Idempotency-Key" });
      }
      forget(known, clock.monotonicMs());
      const identity = `${name} ${key}`;
      const digest = hash("sha256", JSON.stringify(call.body ?? null));
      const before = known.get(identity);
      if (before === undefined) {
        const reply = act();
        known.set(identity, { digest, reply, untilMs: clock.monotonicMs() + REMEMBERED_MS });
        reply.catch(() => known.delete(identity));
        return reply;
      }
      if (before.digest === digest) return before.reply;
      const detail = "The key came with another body before: use a new key for another request.";
      throw new Problem("idempotency_key_reused", detail, { parameter: "Idempotency-Key" });
    },
  };
}

/** Maps keep the order of insertion, so the oldest are at the front. */
function forget(known: Map<string, Remembered>, nowMs: number): void {
  for (const [identity, { untilMs }] of known) {
    if (untilMs > nowMs && known.size < KEYS_MAX) return;
    known.delete(identity);
  }
}
