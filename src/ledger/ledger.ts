/**
 * The counters of every window and the holds in force. Decides nothing and does no I/O: the live path
 * and the replay of the journal move it through the same few steps, so that both give the same state.
 */
import { invariant } from "../core/invariant.ts";
import type { AdmitRecord } from "../journal/record.ts";
import {
  isOfAgents,
  isOfSessions,
  meterId,
  newMeter,
  newWindow,
  parseMeterId,
  parseWindowKey,
  sessionWindowKey,
} from "./meter.ts";
import { amountHeld, amountSettled, exceedsCap, type Charge } from "./amounts.ts";
import { shadowHeld, startShadowBooks } from "./shadow.ts";
import {
  NO_TOKENS,
  type Meter,
  type MeterDefinition,
  type Need,
  type SessionName,
  type TokenNeed,
  type Window,
} from "./state.ts";
import { add, advance, release, settle, take } from "./window.ts";

/** Money reserved for one attempt on every window of its chain. */
export interface Hold {
  /** "request/attempt". */
  readonly id: string;
  readonly record: AdmitRecord;
  /** Money and limit windows alike. Grows only when a new budget adopts the hold. */
  readonly windows: Window[];
  readonly admittedMs: number;
  need: bigint;
  /** Held where the chain limits tokens; else none. */
  tokens: TokenNeed;
  /** What the shadow holds; null where enforcement would have refused. */
  shadowNeed: bigint | null;
  shadowTokens: TokenNeed;
  open: boolean;
}

/** A hold to take. Without tokens it holds none; without tokens of its own the shadow holds the same. */
export type HoldToTake = Omit<Hold, "open" | "tokens" | "shadowTokens"> & {
  readonly tokens?: TokenNeed;
  readonly shadowTokens?: TokenNeed;
};

/** What a configuration changed about the meters. */
export interface MeterChanges {
  readonly added: readonly Meter[];
  readonly removed: readonly string[];
  /** New caps by meter id, those of added meters included. */
  readonly caps: ReadonlyMap<string, bigint>;
  readonly lowered: readonly LoweredCap[];
  /** Ids of meters whose shadow counts apart from here on, and of those whose no longer does. */
  readonly shadowStarted: readonly string[];
  readonly shadowEnded: readonly string[];
}

/** An open budget window whose new cap is below what it has settled and holds. */
interface LoweredCap {
  readonly window: Window;
  readonly from: bigint;
  readonly to: bigint;
}

const NONE_ADDED: ReadonlySet<string> = new Set();

/** Told of every hold, live and in a replay alike: a fold of its own beside the counters. */
export interface HoldWatcher {
  readonly taken: (hold: Hold) => void;
  readonly settled: (hold: Hold, charge: Charge, nowMs: number) => void;
  readonly cancelled: (hold: Hold) => void;
}

export class Ledger {
  readonly #meters = new Map<string, Meter>();
  readonly #windows = new Map<string, Window>();
  readonly #holds = new Map<string, Hold>();
  readonly #freed: (() => void)[] = [];
  readonly #settled = new Set<(hold: Hold, cost: bigint) => void>();
  readonly #watchers: HoldWatcher[] = [];

  /** Calls back whenever money becomes free. */
  onFreed(listener: () => void): void {
    this.#freed.push(listener);
  }

  /** Tells `watcher` of every hold from now on. */
  watch(watcher: HoldWatcher): void {
    this.#watchers.push(watcher);
  }

  /** Calls back after each settlement, until the returned function is called. */
  onSettled(listener: (hold: Hold, cost: bigint) => void): () => void {
    this.#settled.add(listener);
    return () => this.#settled.delete(listener);
  }

  meters(): IterableIterator<Meter> {
    return this.#meters.values();
  }

  windows(): IterableIterator<Window> {
    return this.#windows.values();
  }

  holds(): IterableIterator<Hold> {
    return this.#holds.values();
  }

  hold(id: string): Hold | undefined {
    return this.#holds.get(id);
  }

  meter(id: string): Meter | undefined {
    return this.#meters.get(id);
  }

  /** Makes these meters the ones in force, in one step; counters of kept meters stay as they are. */
  configure(definitions: readonly MeterDefinition[], nowMs: number): MeterChanges {
    const wanted = new Map(definitions.map((definition) => [meterId(definition), definition]));
    const removed = [...this.#meters.keys()].filter((id) => !wanted.has(id));
    for (const id of removed) this.forget(id);
    const added: Meter[] = [];
    const caps = new Map<string, bigint>();
    const shadowStarted: string[] = [];
    const shadowEnded: string[] = [];
    for (const [id, definition] of wanted) {
      const known = this.#meters.get(id);
      const meter = known ?? this.track(id);
      if (known === undefined) added.push(meter);
      if (meter.cap !== definition.cap) caps.set(id, definition.cap);
      meter.overshoot = definition.overshoot;
      meter.enforced = definition.shadow !== "own";
      const wantsShadow = definition.shadow !== undefined;
      if (wantsShadow !== meter.hasShadow) (wantsShadow ? shadowStarted : shadowEnded).push(id);
    }
    const lowered = this.setCaps(caps, nowMs);
    return { added, removed, caps, lowered, shadowStarted, shadowEnded };
  }

  /** Puts new caps in force, by meter id. */
  setCaps(caps: ReadonlyMap<string, bigint>, nowMs: number): LoweredCap[] {
    // Until now a token bucket has refilled at the old rate.
    for (const window of this.#windows.values())
      if (caps.has(window.meter.id)) advance(window, nowMs);
    const before = new Map<Meter, bigint>();
    for (const [id, cap] of caps) {
      const meter = this.#meters.get(id);
      if (meter === undefined) continue;
      if (meter.unit === "usd" && meter.cap !== null && cap < meter.cap)
        before.set(meter, meter.cap);
      meter.cap = cap;
    }
    return before.size === 0 ? [] : this.#lowered(before, nowMs);
  }

  #lowered(before: ReadonlyMap<Meter, bigint>, nowMs: number): LoweredCap[] {
    const lowered: LoweredCap[] = [];
    for (const window of this.#windows.values()) {
      const from = before.get(window.meter);
      const to = window.meter.cap ?? 0n;
      const isOpen = window.endMs === null || nowMs < window.endMs;
      if (from !== undefined && isOpen && window.settled + window.held > to)
        lowered.push({ window, from, to });
    }
    return lowered;
  }

  /** Starts counting for a meter by its id, with no cap yet. */
  track(id: string): Meter {
    const known = this.#meters.get(id);
    if (known !== undefined) return known;
    const identity = parseMeterId(id);
    invariant(identity !== null, `a meter id can be read: ${id}`);
    const meter = newMeter(identity, id);
    this.#meters.set(id, meter);
    return meter;
  }

  /** Stops counting for a meter; holds in flight still settle in its windows, which nobody sees. */
  forget(id: string): void {
    const meter = this.#meters.get(id);
    if (meter === undefined) return;
    meter.cap = null;
    meter.current = null;
    meter.hasShadow = false;
    this.#meters.delete(id);
    for (const [key, window] of this.#windows)
      if (window.meter === meter) this.#windows.delete(key);
  }

  /** The window of `meter` at `nowMs`, made where it is missing, with what has expired taken out. */
  windowAt(meter: Meter, nowMs: number, session: SessionName | null): Window {
    // A plan may be older than the configuration: its budget can have been removed, or added again.
    const live = this.#meters.get(meter.id) ?? meter;
    if (isOfSessions(live)) {
      invariant(session !== null, "a session meter is asked with a session");
      invariant(!isOfAgents(live) || session.agent !== undefined, "a subagent has a name");
      // Kept once something is held in it: asking in vain leaves no trace.
      const known = this.#windows.get(sessionWindowKey(live, session));
      return known ?? newWindow(live, nowMs, session);
    }
    const current = live.current;
    const runs = current !== null && (current.endMs === null || nowMs < current.endMs);
    const window = runs ? current : this.#enter(newWindow(live, nowMs, null));
    advance(window, nowMs);
    return window;
  }

  /** The window with this key, made where it is missing; for replay, where only keys are known. */
  windowByKey(key: string, nowMs: number): Window {
    const known = this.#windows.get(key);
    if (known !== undefined) return known;
    const parts = parseWindowKey(key);
    const meter = this.#meters.get(parts.meterId) ?? detachedMeter(parts.meterId);
    return this.#enter(newWindow(meter, parts.instantMs ?? nowMs, parts.session));
  }

  /** The open window with this key, or one that has ended and still holds something. */
  window(key: string): Window | undefined {
    return this.#windows.get(key);
  }

  /** Makes a window one that can be found; the latest of its meter becomes the current one. */
  #enter(window: Window): Window {
    const { meter } = window;
    if (this.#meters.get(meter.id) !== meter) return window;
    const entered = this.#windows.get(window.key) ?? window;
    this.#windows.set(entered.key, entered);
    if (entered.session !== null) return entered;
    const before = meter.current;
    if (before === null || (before.startMs ?? 0) < (entered.startMs ?? 0)) meter.current = entered;
    if (before !== null) this.#dropIfOver(before);
    return entered;
  }

  /** Takes a decided hold on all its windows. The caller has checked that it fits. */
  take(hold: HoldToTake): Hold {
    invariant(!this.#holds.has(hold.id), "a hold is taken once");
    const windows = hold.windows.map((window) => this.#enter(window));
    const { tokens = NO_TOKENS } = hold;
    const { shadowTokens = tokens } = hold;
    const held: Hold = { ...hold, windows, tokens, shadowTokens, open: true };
    for (const window of held.windows) this.#takeIn(held, window);
    this.#holds.set(held.id, held);
    for (const watcher of this.#watchers) watcher.taken(held);
    return held;
  }

  #takeIn(hold: Hold, window: Window): void {
    advance(window, hold.admittedMs);
    const shadow = shadowHeld(window, hold);
    const amount = amountHeld(window, hold);
    if (exceedsCap(window, amount)) window.overshootBy = hold.id;
    if (shadow !== null && exceedsCap(window, shadow, "shadow")) window.shadowOvershootBy = hold.id;
    take(window, amount, shadow, hold.admittedMs);
  }

  /** Lets an open hold enter one more window, as if it had been in its chain from the start. */
  adopt(hold: Hold, window: Window): void {
    const entered = this.#enter(window);
    this.#takeIn(hold, entered);
    hold.windows.push(entered);
  }

  /** Lowers an open hold to `need` and `tokens`, and what the shadow holds to the other two. */
  release(
    hold: Hold,
    need: bigint,
    to: {
      readonly shadowNeed?: bigint;
      readonly tokens?: TokenNeed;
      /** Left out: the same. */
      readonly shadowTokens?: TokenNeed;
    } = {},
  ): void {
    const { shadowNeed = need, tokens = hold.tokens } = to;
    const { shadowTokens = tokens } = to;
    invariant(hold.open && need <= hold.need, "a release lowers an open hold");
    invariant(isWithin(tokens, hold.tokens), "a release lowers tokens");
    const after: Need = { need, tokens };
    const shadowAfter = shadowReleased(hold, { need: shadowNeed, tokens: shadowTokens });
    for (const window of hold.windows) {
      const by = amountHeld(window, hold) - amountHeld(window, after);
      const inShadow = shadowHeld(window, hold) ?? 0n;
      const shadowBy = shadowAfter === null ? 0n : inShadow - amountHeld(window, shadowAfter);
      if (by !== 0n || shadowBy !== 0n) release(window, by, shadowBy);
    }
    hold.need = need;
    hold.tokens = tokens;
    hold.shadowNeed = shadowAfter === null ? null : shadowAfter.need;
    hold.shadowTokens = shadowAfter === null ? tokens : shadowAfter.tokens;
    for (const listener of this.#freed) listener();
  }

  /** Replaces a hold by what the attempt cost. */
  settle(hold: Hold, charge: Charge, nowMs: number): void {
    const { cost, usage, shadow } = charge;
    const shadowCharge =
      shadow === undefined
        ? charge
        : { cost: shadow.cost, usage: { ...usage, output_tokens: shadow.outputTokens } };
    this.#end(hold, nowMs, (window, books) =>
      amountSettled(window, books === "real" ? { cost, usage } : shadowCharge),
    );
    for (const listener of this.#settled) listener(hold, charge.cost);
    for (const watcher of this.#watchers) watcher.settled(hold, charge, nowMs);
  }

  /** Gives a hold back whole: the attempt never reached its upstream. */
  cancel(hold: Hold, nowMs: number): void {
    this.#end(hold, nowMs, () => 0n);
    for (const watcher of this.#watchers) watcher.cancelled(hold);
  }

  #end(
    hold: Hold,
    nowMs: number,
    settledIn: (window: Window, books: "real" | "shadow") => bigint,
  ): void {
    invariant(hold.open, "a hold ends once");
    hold.open = false;
    this.#holds.delete(hold.id);
    for (const window of hold.windows) {
      advance(window, nowMs);
      settle(window, {
        held: amountHeld(window, hold),
        shadowHeld: shadowHeld(window, hold),
        settled: settledIn(window, "real"),
        shadowSettled: settledIn(window, "shadow"),
        admittedMs: hold.admittedMs,
      });
      if (window.overshootBy === hold.id) window.overshootBy = null;
      if (window.shadowOvershootBy === hold.id) window.shadowOvershootBy = null;
      this.#dropIfOver(window);
    }
    for (const listener of this.#freed) listener();
  }

  #dropIfOver(window: Window): void {
    if (window.inFlight > 0 || window.endMs === null || window.meter.current === window) return;
    // A removed budget's window may have a namesake of the budget that was added again.
    if (this.#windows.get(window.key) === window) this.#windows.delete(window.key);
  }

  /** Adds to what a window has settled: an opening balance, or a correction's difference. */
  addSettled(window: Window, amount: bigint, admittedMs: number, shadowAmount = amount): void {
    add(window, amount, shadowAmount, admittedMs);
    this.#dropIfOver(window);
    if (amount < 0n) for (const listener of this.#freed) listener();
  }

  /**
   * From here on the shadow of these meters counts apart from the books, starting from them.
   *
   * @param added Those that were not counted by before: their windows are right in both books already.
   */
  startShadow(
    ids: Iterable<string> = this.#meters.keys(),
    added: ReadonlySet<string> = NONE_ADDED,
  ): void {
    const isFirst = ![...this.#meters.values()].some(({ hasShadow }) => hasShadow);
    const started = new Set<Meter>();
    for (const id of ids) {
      const meter = this.#meters.get(id);
      if (meter === undefined || meter.hasShadow) continue;
      meter.hasShadow = true;
      if (isFirst || !added.has(id)) started.add(meter);
    }
    const books = { windows: this.#windows.values(), holds: this.#holds.values() };
    if (isFirst || started.size > 0) startShadowBooks(started, books, isFirst);
  }

  /** From here on these meters have one count alone. */
  endShadow(ids: Iterable<string> = this.#meters.keys()): void {
    for (const id of ids) {
      const meter = this.#meters.get(id);
      if (meter !== undefined) meter.hasShadow = false;
    }
  }

  /** Forgets session windows that nobody has used since `beforeMs`; returns their keys. */
  closeIdleSessions(beforeMs: number): string[] {
    const idle = [...this.#windows.values()].filter(
      (window) => window.session !== null && window.inFlight === 0 && window.lastUsedMs < beforeMs,
    );
    for (const window of idle) this.#windows.delete(window.key);
    return idle.map((window) => window.key);
  }

  closeWindow(key: string): void {
    this.#windows.delete(key);
  }
}

/** A meter that no configuration knows: its windows count for open holds alone. */
export function detachedMeter(id: string): Meter {
  const identity = parseMeterId(id);
  invariant(identity !== null, `a meter id can be read: ${id}`);
  return newMeter(identity, id);
}

function isWithin({ input, output }: TokenNeed, held: TokenNeed): boolean {
  return input <= held.input && output <= held.output;
}

/** What the shadow holds after a release; null where it holds nothing. */
function shadowReleased({ shadowNeed, shadowTokens }: Hold, to: Need): Need | null {
  return shadowNeed === null ? null : leastOf({ need: shadowNeed, tokens: shadowTokens }, to);
}

function leastOf(left: Need, right: Need): Need {
  return {
    need: left.need < right.need ? left.need : right.need,
    tokens: {
      input: Math.min(left.tokens.input, right.tokens.input),
      output: Math.min(left.tokens.output, right.tokens.output),
    },
  };
}
