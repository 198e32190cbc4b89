/** One thing that can be shut for a while and comes back by degrees: a key, a provider, a model of one. */

/** Why a gate was shut. */
export type ShutReason =
  | "failing"
  | "rate_limited"
  | "out_of_credit"
  | "credential"
  | "model_missing";

interface Pause {
  /** The first pause, doubled with each failed return. */
  readonly firstMs: number;
  readonly longestMs: number;
  /**
   * Who passes where nothing better is left: anybody, anybody once the provider's own wish is over, or
   * none but the single probe.
   */
  readonly lastResort: "always" | "after_wish" | "never";
  /** After its probe it comes back by degrees; else as a whole. */
  readonly ramps: boolean;
}

const PAUSES: Readonly<Record<ShutReason, Pause>> = {
  failing: { firstMs: 5_000, longestMs: 60_000, lastResort: "always", ramps: true },
  rate_limited: { firstMs: 2_000, longestMs: 60_000, lastResort: "after_wish", ramps: false },
  out_of_credit: { firstMs: 60_000, longestMs: 1_800_000, lastResort: "never", ramps: false },
  credential: { firstMs: 30_000, longestMs: 600_000, lastResort: "never", ramps: false },
  model_missing: { firstMs: 60_000, longestMs: 600_000, lastResort: "always", ramps: false },
};
/** A pause is forgotten after a return that has held for so long, or for a whole window of successes. */
const STEADY_AFTER_MS = 60_000;

/** The last so many outcomes count, unless nothing came for so long. One bit each. */
const WINDOW_OUTCOMES = 25;
const WINDOW_MASK = (1 << WINDOW_OUTCOMES) - 1;
const WINDOW_SILENCE_MS = 600_000;
/** A failing provider that wishes for more is asked all the same. */
const FAILING_WISH_MAX_MS = 600_000;
/** A probe that never reports is given up after this; another may go. */
const PROBE_LOST_MS = 60_000;
/** What a probe under way is expected to take. */
const PROBE_SOON_MS = 1_000;
/** The way back: from a tenth of the traffic to all of it, while it goes well. */
const RAMP_MS = 60_000;
const RAMP_START = 0.1;
const RAMP_STEP = 0.1;

/** How many failures shut a gate: of the last 25, and in a row. */
interface Limits {
  readonly ofWindow: number;
  readonly inARow: number;
}

const STEADY: Limits = { ofWindow: 5, inARow: 3 };
const RETURNING: Limits = { ofWindow: 4, inARow: 3 };
/** While the node's budget of extra attempts runs low. */
const PRESSED: Limits = { ofWindow: 2, inARow: 2 };
const HARD_PRESSED: Limits = { ofWindow: 1, inARow: 1 };
const PRESSED_FROM = 0.5;
const HARD_PRESSED_FROM = 0.75;

/** `ramp`: a share of the traffic; `probe`: this request alone; `no`: nobody now. */
export type Passage = "open" | "ramp" | "probe" | "no";

/** What survives a restart; times relative to the moment of saving. */
export interface SavedGate {
  readonly reason: ShutReason;
  /** Negative: it has been waiting for a probe for so long. */
  readonly leftMs: number;
  readonly pauseMs: number;
}

/** All times are monotonic milliseconds. */
export class Gate {
  #reason: ShutReason | null = null;
  #untilMs = 0;
  /** The end of what the provider itself asked for. */
  #wishUntilMs = 0;
  /** The last pause; 0 after a return that held. */
  #pauseMs = 0;
  #probeSinceMs: number | null = null;
  #rampFromMs: number | null = null;
  /** Successes since the last failure, or the last return. */
  #inARow = 0;
  /** Outcomes of attempts that began before this say nothing about now. */
  #changedMs = Number.NEGATIVE_INFINITY;
  #window = 0;
  #lastMs = 0;

  get reason(): ShutReason | null {
    return this.#reason;
  }

  /** Whether and how a request may pass now. */
  passage(nowMs: number): Passage {
    if (this.#reason === null) return this.share(nowMs) < 1 ? "ramp" : "open";
    if (nowMs < this.#untilMs || this.#isProbed(nowMs)) return "no";
    return "probe";
  }

  /** The share of its usual traffic that it should get now, in (0, 1]; 1 but on the way back. */
  share(nowMs: number): number {
    if (this.#rampFromMs === null) return 1;
    const byTime = RAMP_START + ((1 - RAMP_START) * (nowMs - this.#rampFromMs)) / RAMP_MS;
    const earned = RAMP_START + RAMP_STEP * this.#inARow;
    return Math.min(1, byTime, earned);
  }

  /** Whether it may pass where nothing better is left. */
  passesAsLastResort(nowMs: number): boolean {
    if (this.#reason === null) return true;
    const { lastResort } = PAUSES[this.#reason];
    return lastResort === "always" || (lastResort === "after_wish" && nowMs >= this.#wishUntilMs);
  }

  /** The moment from which a request could pass, if all goes well. */
  usableAtMs(nowMs: number): number {
    if (this.#reason === null) return nowMs;
    const probedUntilMs = this.#isProbed(nowMs) ? (this.#probeSinceMs ?? 0) + PROBE_LOST_MS : nowMs;
    return Math.max(this.#untilMs, probedUntilMs, nowMs);
  }

  /** For how long a gate that was shut for its rate lets nobody pass; 0: it was not, or somebody may. */
  restMs(nowMs: number): number {
    if (this.#reason !== "rate_limited" || this.passage(nowMs) !== "no") return 0;
    return this.#untilMs > nowMs ? this.#untilMs - nowMs : PROBE_SOON_MS;
  }

  beginProbe(nowMs: number): void {
    this.#probeSinceMs = nowMs;
  }

  /** The probe that began at `beganMs` ended without saying anything. */
  endProbe(beganMs: number): void {
    if (this.#probeSinceMs === beganMs) this.#probeSinceMs = null;
  }

  /** An attempt that began at `beganMs` went well. True: the gate was shut, and is now open. */
  succeeded(beganMs: number, nowMs: number): boolean {
    if (beganMs < this.#changedMs) return false;
    const reason = this.#reason;
    if (reason !== null) {
      this.#reopen(reason, nowMs);
      return true;
    }
    this.#note(0, nowMs);
    if (this.#rampFromMs !== null) {
      if (this.share(nowMs) === 1) this.#rampFromMs = null;
    } else if (nowMs - this.#changedMs > STEADY_AFTER_MS || this.#inARow >= WINDOW_OUTCOMES) {
      this.#pauseMs = 0;
    }
    return false;
  }

  /**
   * Counts a failure; shuts the gate when they are too many, for as long as the provider wishes if that is
   * longer. `pressure` is the retry budget's.
   */
  failed(beganMs: number, nowMs: number, pressure: number, wishMs: number | null): void {
    if (beganMs < this.#changedMs) return;
    if (this.#reason !== null) {
      // Only a probe, or a last resort after the pause, tells anything about a shut gate.
      if (beganMs >= this.#untilMs) this.shut(this.#reason, beganMs, nowMs, wishMs);
      return;
    }
    this.#note(1, nowMs);
    const limits = this.#limits(pressure);
    const row = (1 << limits.inARow) - 1;
    const isRow = (this.#window & row) === row;
    if (isRow || ones(this.#window) >= limits.ofWindow) {
      const boundedMs = wishMs === null ? null : Math.min(wishMs, FAILING_WISH_MAX_MS);
      this.shut("failing", beganMs, nowMs, boundedMs);
    }
  }

  /** Shuts it at once, at least for `wishMs`, and for longer each time that it fails to return. */
  shut(reason: ShutReason, beganMs: number, nowMs: number, wishMs: number | null = null): void {
    const pause = PAUSES[reason];
    const wishUntilMs = nowMs + (wishMs ?? 0);
    if (reason === this.#reason && beganMs < this.#untilMs) {
      // Attempts that were under way together are one refusal; only a longer wish adds to it.
      if (wishMs === null) return;
      this.#wishUntilMs = Math.max(this.#wishUntilMs, wishUntilMs);
      this.#untilMs = Math.max(this.#untilMs, wishUntilMs);
      return;
    }
    if (beganMs < this.#changedMs && (this.#reason === null || pause.lastResort !== "never"))
      return;
    this.#pauseMs =
      this.#pauseMs === 0
        ? pause.firstMs
        : Math.min(pause.longestMs, Math.max(pause.firstMs, this.#pauseMs * 2));
    // The first times its own word is taken; one that keeps refusing is asked less than it says.
    const isFirst = reason !== "failing" && wishMs !== null && this.#pauseMs <= 2 * pause.firstMs;
    this.#reason = reason;
    this.#wishUntilMs = wishUntilMs;
    this.#untilMs = isFirst ? wishUntilMs : Math.max(wishUntilMs, nowMs + this.#pauseMs);
    this.#probeSinceMs = null;
    this.#rampFromMs = null;
    this.#changedMs = nowMs;
    this.#window = 0;
  }

  /** What a snapshot keeps; null for a gate that is open. */
  saved(nowMs: number): SavedGate | null {
    if (this.#reason === null) return null;
    return { reason: this.#reason, leftMs: this.#untilMs - nowMs, pauseMs: this.#pauseMs };
  }

  restore(saved: SavedGate, nowMs: number): void {
    this.#reason = saved.reason;
    this.#untilMs = nowMs + saved.leftMs;
    this.#wishUntilMs = this.#untilMs;
    this.#pauseMs = Math.min(saved.pauseMs, PAUSES[saved.reason].longestMs);
    this.#changedMs = nowMs;
  }

  #reopen(reason: ShutReason, nowMs: number): void {
    this.#reason = null;
    this.#probeSinceMs = null;
    this.#changedMs = nowMs;
    this.#window = 0;
    this.#lastMs = nowMs;
    this.#inARow = 0;
    this.#rampFromMs = PAUSES[reason].ramps ? nowMs : null;
    // A refusal that is over is over; a limit may be met again at once.
    if (PAUSES[reason].lastResort === "never") this.#pauseMs = 0;
  }

  #limits(pressure: number): Limits {
    if (pressure >= HARD_PRESSED_FROM) return HARD_PRESSED;
    if (pressure >= PRESSED_FROM) return PRESSED;
    return this.#rampFromMs === null ? STEADY : RETURNING;
  }

  #note(bit: 0 | 1, nowMs: number): void {
    if (nowMs - this.#lastMs > WINDOW_SILENCE_MS) this.#window = 0;
    this.#window = ((this.#window << 1) | bit) & WINDOW_MASK;
    this.#lastMs = nowMs;
    this.#inARow = bit === 0 ? this.#inARow + 1 : 0;
  }

  #isProbed(nowMs: number): boolean {
    return this.#probeSinceMs !== null && nowMs - this.#probeSinceMs < PROBE_LOST_MS;
  }
}

/** Bits that are set in a number below 2^32. */
function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
