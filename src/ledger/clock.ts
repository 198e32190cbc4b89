/** The time by which windows open: never backwards, and never far forwards on one clock's word alone. */
import type { Clock } from "../core/time.ts";

/** A wall clock that runs ahead of the monotonic one by more than this is asked for a witness. */
const JUMP_MS = 60_000;

export interface LedgerClock {
  /** Unix milliseconds; never less than any earlier answer. */
  readonly nowMs: () => number;
  /** An upstream's `Date`: ends the distrust of a forward jump that it agrees with. */
  readonly witness: (upstreamMs: number) => void;
  /** Milliseconds of a forward jump that nobody has confirmed yet; 0: none. */
  readonly unconfirmedJumpMs: () => number;
  /** Milliseconds by which the wall clock is behind the ledger's time; 0: it is not. */
  readonly behindMs: () => number;
}

export interface LedgerClockOptions {
  readonly clock: Clock;
  /** The last record's time: a start is never before it. */
  readonly notBeforeMs: number;
  /**
   * Called once a forward jump is seen: asks an upstream for its `Date` and calls `witness`.
   * Null: there is no upstream to ask, so the clock is believed.
   */
  readonly askWitness: (() => void) | null;
}

/** Watches both clocks; see the rules of windows in docs/decisions/0006-time.md. */
export function createLedgerClock(options: LedgerClockOptions): LedgerClock {
  const { clock, askWitness } = options;
  let lastMs = options.notBeforeMs;
  let wallMs = clock.wallMs();
  let monotonicMs = clock.monotonicMs();
  /** While a jump is unconfirmed time runs on from here by the monotonic clock. */
  let distrusted: { readonly fromMs: number; readonly monotonicMs: number } | null = null;

  function readMs(): number {
    const wall = clock.wallMs();
    const monotonic = clock.monotonicMs();
    const expectedMs = wallMs + (monotonic - monotonicMs);
    if (distrusted === null && askWitness !== null && wall - expectedMs > JUMP_MS) {
      distrusted = { fromMs: expectedMs, monotonicMs: monotonic };
      askWitness();
    }
    if (distrusted !== null) return distrusted.fromMs + (monotonic - distrusted.monotonicMs);
    wallMs = wall;
    monotonicMs = monotonic;
    return wall;
  }

  function nowMs(): number {
    lastMs = Math.max(lastMs, Math.floor(readMs()));
    return lastMs;
  }

  return {
    nowMs,
    witness(upstreamMs) {
      if (distrusted === null || Math.abs(clock.wallMs() - upstreamMs) > JUMP_MS) return;
      distrusted = null;
      wallMs = clock.wallMs();
      monotonicMs = clock.monotonicMs();
    },
    unconfirmedJumpMs() {
      const now = nowMs();
      return distrusted === null ? 0 : Math.max(0, clock.wallMs() - now);
    },
    behindMs: () => Math.max(0, nowMs() - clock.wallMs()),
  };
}
