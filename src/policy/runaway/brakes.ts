/** What findings have done to sessions: a warning to tell, and pauses that grow. */
import { Recent } from "./bounded.ts";

const SESSIONS_MAX = 10_000;
const FIRST_PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 30_000;

interface Slowed {
  readonly untilMs: number;
  pauseMs: number;
}

export class Brakes {
  readonly #warnings = new Recent<string>(SESSIONS_MAX);
  readonly #slowed = new Recent<Slowed>(SESSIONS_MAX);

  /** The next answer of the session tells it. */
  warn(session: string, sentence: string): void {
    this.#warnings.set(session, sentence);
  }

  /** What its next answer is to tell, once; null: nothing. */
  takeWarning(session: string): string | null {
    const warning = this.#warnings.get(session);
    if (warning !== undefined) this.#warnings.delete(session);
    return warning ?? null;
  }

  /** Delays each of its requests until then, each for longer. */
  slow(session: string, untilMs: number): void {
    this.#slowed.set(session, { untilMs, pauseMs: FIRST_PAUSE_MS });
  }

  /** How long its next request waits: from a second, doubling, to half a minute. 0: not at all. */
  pauseMs(session: string, nowMs: number): number {
    const slowed = this.#slowed.get(session);
    if (slowed === undefined) return 0;
    if (nowMs >= slowed.untilMs) {
      this.#slowed.delete(session);
      return 0;
    }
    const { pauseMs } = slowed;
    slowed.pauseMs = Math.min(PAUSE_MS_MAX, 2 * pauseMs);
    return pauseMs;
  }
}
