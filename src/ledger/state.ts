/** The ledger's state in words: meters (what is counted for whom) and windows (one instance each). */
import type { AccountScope, Scope, Span, Unit } from "../core/span.ts";

/** What identifies a meter: a new cap keeps its count, a new span or zone makes another meter. */
export interface MeterIdentity {
  readonly scope: Scope | AccountScope;
  readonly unit: Unit;
  /** Null for `concurrent`: it counts what is in flight. */
  readonly span: Span | null;
  /** Size of a token bucket instead of a window; null for a window. */
  readonly burst: number | null;
}

export interface MeterDefinition extends MeterIdentity {
  /** Nano-dollars, tokens, requests or requests in flight. */
  readonly cap: bigint;
  readonly overshoot: "none" | "last_request";
  /** Left out: nothing at or below its scope is in shadow. */
  readonly shadow?: ShadowRole;
}

/** own: it is decided on paper alone. above: it is enforced, and something below its scope is not. */
export type ShadowRole = "above" | "own";

/** The live meter: one object for as long as its identity is configured. */
export interface Meter extends MeterIdentity {
  readonly id: string;
  /** Null once it is configured no longer: its open windows only run out. */
  cap: bigint | null;
  overshoot: "none" | "last_request";
  /** False where its scope, or one above, is in shadow: what it says no to goes through all the same. */
  enforced: boolean;
  /** Its shadow counts apart from the books; else both are one and the shadow is not asked. */
  hasShadow: boolean;
  /** The window of the last look, valid until it ends; null for meters of sessions and subagents. */
  current: Window | null;
}

/** Session windows are told apart by virtual key and session name, those of subagents by the agent too. */
export interface SessionName {
  readonly virtualKey: string;
  readonly name: string;
  /** Left out: not of an agent. */
  readonly agent?: string;
}

/** Tokens that an attempt can use at most, as limits count them. */
export interface TokenNeed {
  readonly input: number;
  readonly output: number;
}

/** What an attempt takes of windows that hold amounts: money in nano-dollars, and tokens. */
export interface Need {
  readonly need: bigint;
  readonly tokens: TokenNeed;
}

export const NO_TOKENS: TokenNeed = { input: 0, output: 0 };

/** Unix milliseconds; `startMs` ≤ time < `endMs`. */
export interface Bounds {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Bucket {
  readonly index: number;
  settled: bigint;
  shadowSettled: bigint;
}

/**
 * Level of a token bucket, in fractions of the meter's unit that make every refill a whole number.
 * Below zero: settled more than was there.
 */
export interface Level {
  amount: bigint;
  /** The same in the shadow's books. */
  shadowAmount: bigint;
  atMs: number;
}

/**
 * Amounts in the meter's unit. The shadow's counters have only what enforcement would have admitted; they
 * differ from the real ones only where something at or below the meter's scope is in shadow.
 */
export interface Window {
  readonly key: string;
  readonly meter: Meter;
  readonly session: SessionName | null;
  /** Null where the window has no edge: rolling, total, session, subagent, token bucket, concurrent. */
  readonly startMs: number | null;
  readonly endMs: number | null;
  settled: bigint;
  held: bigint;
  shadowSettled: bigint;
  shadowHeld: bigint;
  /** Attempts in flight that hold here. */
  inFlight: number;
  /** Those of them that enforcement would have admitted. */
  shadowInFlight: number;
  /** The hold that goes over the cap, where the budget allows one at a time; null: none does. */
  overshootBy: string | null;
  /** The same in the shadow's books. */
  shadowOvershootBy: string | null;
  lastUsedMs: number;
  /** Oldest first; null but for rolling spans. `settled` is always their sum. */
  readonly buckets: Bucket[] | null;
  /** Rolling spans: buckets below this index have left for good. */
  oldestBucket: number;
  readonly level: Level | null;
}
