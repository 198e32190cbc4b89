/** Begins the shadow's books of meters whose scopes turn to observing: from what the real ones say. */
import { amountHeld } from "./amounts.ts";
import type { Hold } from "./ledger.ts";
import type { Meter, Window } from "./state.ts";

/** What the shadow holds of a hold; null where enforcement would have refused it. */
export function shadowHeld(window: Window, { shadowNeed, shadowTokens }: Hold): bigint | null {
  return shadowNeed === null
    ? null
    : amountHeld(window, { need: shadowNeed, tokens: shadowTokens });
}

/** Makes the shadow's counters of all windows of the `started` meters equal to the real ones. */
export function startShadowBooks(
  started: ReadonlySet<Meter>,
  { windows, holds }: { readonly windows: Iterable<Window>; readonly holds: Iterable<Hold> },
  /** No meter had a shadow before. */
  isFirst: boolean,
): void {
  for (const window of windows) {
    if (!started.has(window.meter)) continue;
    window.shadowSettled = window.settled;
    for (const bucket of window.buckets ?? []) bucket.shadowSettled = bucket.settled;
    if (window.level !== null) window.level.shadowAmount = window.level.amount;
    window.shadowHeld = 0n;
    window.shadowInFlight = 0;
    window.shadowOvershootBy = window.overshootBy;
  }
  for (const hold of holds) {
    // What an earlier shadow would not have admitted stays out of the windows that go on counting so.
    const isPart = isFirst || hold.windows.some(({ meter }) => started.has(meter));
    if (isPart && hold.windows.every(({ meter }) => !meter.hasShadow || started.has(meter))) {
      hold.shadowNeed = hold.need;
      hold.shadowTokens = hold.tokens;
    }
    for (const window of hold.windows) {
      const held = started.has(window.meter) ? shadowHeld(window, hold) : null;
      if (held === null) continue;
      window.shadowHeld += held;
      window.shadowInFlight++;
    }
  }
}
