/** Checks the books while they are in use: what must always be true of every window, each few seconds. */
import type { FoldState } from "../ledger/fold.ts";
import { amountHeld } from "../ledger/amounts.ts";
import type { Hold } from "../ledger/ledger.ts";
import type { Window } from "../ledger/state.ts";
import type { Log } from "../gateway/ports.ts";
import type { Invariant } from "../telemetry/metrics.ts";

export interface SelfCheckOptions {
  /** Read at each check: which books there are, and what the configuration in force says. */
  readonly state: () => FoldState;
  readonly log: Pick<Log, "error">;
  readonly breached: (invariant: Invariant) => void;
}

interface Breach {
  readonly invariant: Invariant;
  readonly window: string;
  readonly what: string;
}

/** What all open holds together take from one window. */
interface HeldSum {
  held: bigint;
  shadowHeld: bigint;
  inFlight: number;
}

const NOTHING: Readonly<HeldSum> = { held: 0n, shadowHeld: 0n, inFlight: 0 };
const INTERVAL_MS = 10_000;
const TOLD_MAX = 100;

/**
 * Compares the counters with what explains them. A window may be over its cap only where something
 * that is no admission put it there: a lowered cap, a charge above its hold, a correction, an opening
 * balance, a budget that allows one request to go over, or a scope in shadow.
 */
export class SelfCheck {
  readonly #options: SelfCheckOptions;
  readonly #stopListening: () => void;
  /** Windows that are over their cap for a known reason, by key; until they are under it again. */
  readonly #explained = new Set<string>();
  #caps = new Map<string, bigint>();
  #digest: string | null;
  #observed = false;
  #corrections = 0;
  #correctionsSeen = 0;
  #open = new Map<string, Breach>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SelfCheckOptions) {
    this.#options = options;
    const { ledger, digest } = options.state();
    this.#digest = digest;
    this.#stopListening = ledger.onSettled((hold, cost) => {
      if (cost > hold.need) for (const window of hold.windows) this.#explained.add(window.key);
    });
    // What the books say at the start is what the journal says: it is judged from here on.
    for (const window of ledger.windows()) if (excess(window) > 0n) this.#explained.add(window.key);
    this.#rememberCaps();
  }

  /** Checks every ten seconds until `stop`. */
  start(): void {
    this.#timer = setInterval(() => this.check(), INTERVAL_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#stopListening();
  }

  /** Runs a correction: what it adds to windows is no admission. */
  async correcting<Result>(correct: () => Promise<Result>): Promise<Result> {
    this.#corrections++;
    try {
      return await correct();
    } finally {
      this.#corrections++;
    }
  }

  /** What is wrong now, a sentence each; empty where the books are sound. */
  breaches(): string[] {
    return [...this.#open.values()].slice(0, TOLD_MAX).map(sentence);
  }

  /** Looks at every window once. Each breach is logged and counted when it is first seen. */
  check(): void {
    const found = new Map<string, Breach>();
    const { ledger, digest } = this.#options.state();
    const isConfigured = digest !== this.#digest;
    const sums = sumsOf(ledger.holds());
    const excused = this.#isExcused();
    const note = (breach: Breach | null): void => {
      if (breach !== null) found.set(`${breach.invariant} ${breach.window}`, breach);
    };
    const look = (window: Window): void => {
      note(this.#capBreach(window, excused));
      note(heldBreach(window, sums.get(window)));
      note(counterBreach(window));
    };
    for (const window of ledger.windows()) look(window);
    // Windows of removed budgets count for their open holds alone.
    for (const window of sums.keys()) if (ledger.window(window.key) !== window) look(window);
    for (const [id, breach] of found) if (!this.#open.has(id)) this.#tell(breach);
    this.#open = found;
    this.#forgetClosed();
    if (isConfigured) this.#rememberCaps();
  }

  #tell(breach: Breach): void {
    const { invariant, window } = breach;
    this.#options.breached(invariant);
    this.#options.log.error(`the books contradict themselves: ${sentence(breach)}`, {
      invariant,
      window,
    });
  }

  /** Whether since the last look anything may have raised windows by other ways than admission. */
  #isExcused(): boolean {
    const { digest, mode } = this.#options.state();
    const isExcused =
      digest !== this.#digest ||
      this.#observed ||
      mode === "observe" ||
      this.#corrections !== this.#correctionsSeen ||
      this.#corrections % 2 === 1;
    this.#digest = digest;
    this.#observed = mode === "observe";
    this.#correctionsSeen = this.#corrections;
    return isExcused;
  }

  #capBreach(window: Window, excused: boolean): Breach | null {
    const { key, meter } = window;
    const over = excess(window);
    if (over <= 0n) {
      if (this.#explained.size > 0) this.#explained.delete(key);
      return null;
    }
    const wasLowered = (meter.cap ?? 0n) < (this.#caps.get(meter.id) ?? 0n);
    const mayExceed = !meter.enforced || meter.overshoot === "last_request";
    if (excused || wasLowered || mayExceed || window.overshootBy !== null) this.#explained.add(key);
    if (this.#explained.has(key)) return null;
    const what = `settled ${window.settled} and held ${window.held} exceed the cap ${meter.cap} by ${over}`;
    return { invariant: "cap_kept", window: key, what };
  }

  #forgetClosed(): void {
    const { ledger } = this.#options.state();
    for (const key of this.#explained)
      if (ledger.window(key) === undefined) this.#explained.delete(key);
  }

  #rememberCaps(): void {
    this.#caps = new Map();
    for (const { id, cap } of this.#options.state().ledger.meters())
      if (cap !== null) this.#caps.set(id, cap);
  }
}

/** By how much a budget's window is over its cap; rate limits are judged by the rate, not by a sum. */
function excess({ meter, settled, held }: Window): bigint {
  if (meter.unit !== "usd" || meter.cap === null) return 0n;
  return settled + held - meter.cap;
}

function sumsOf(holds: Iterable<Hold>): Map<Window, HeldSum> {
  const sums = new Map<Window, HeldSum>();
  for (const hold of holds) {
    for (const window of hold.windows) {
      const sum = sums.get(window) ?? { held: 0n, shadowHeld: 0n, inFlight: 0 };
      const { shadowNeed, shadowTokens } = hold;
      sum.held += amountHeld(window, hold);
      if (shadowNeed !== null)
        sum.shadowHeld += amountHeld(window, { need: shadowNeed, tokens: shadowTokens });
      sum.inFlight++;
      sums.set(window, sum);
    }
  }
  return sums;
}

function heldBreach(window: Window, sum: HeldSum | undefined): Breach | null {
  const { held, shadowHeld, inFlight } = sum ?? NOTHING;
  const isSum =
    window.held === held && window.shadowHeld === shadowHeld && window.inFlight === inFlight;
  if (isSum) return null;
  const what =
    `it holds ${window.held} (shadow ${window.shadowHeld}) for ${window.inFlight} in flight, but ` +
    `its open holds are ${held} (shadow ${shadowHeld}) for ${inFlight}`;
  return { invariant: "held_is_sum", window: window.key, what };
}

function counterBreach(window: Window): Breach | null {
  const { settled, held, shadowSettled, shadowHeld, buckets } = window;
  const negative = settled < 0n || held < 0n || shadowSettled < 0n || shadowHeld < 0n;
  const sum = buckets?.reduce((total, bucket) => total + bucket.settled, 0n) ?? settled;
  if (!negative && sum === settled) return null;
  const what = negative
    ? `a counter is negative: settled ${settled}, held ${held}, shadow ${shadowSettled} and ${shadowHeld}`
    : `settled ${settled} is not the sum ${sum} of its buckets`;
  return { invariant: "counters_sound", window: window.key, what };
}

function sentence({ invariant, window, what }: Breach): string {
  return `${invariant} of ${window}: ${what} (nano-dollars, or the limit's unit)`;
}
