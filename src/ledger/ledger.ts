/**
 * The counters of every window and the holds in force. Decides nothing and does no I/O: the live path
 * and the replay of the journal move it through the same few steps, so that both give the same state.
 */
import { invariant } from "../core/invariant.ts";
import type { Usage } from "../core/usage.ts";
import type { AdmitRecord } from "../journal/record.ts";
import { meterId, newWindow, parseMeterId, parseWindowKey } from "./meter.ts";
import type { Meter, MeterDefinition, SessionName, Window } from "./state.ts";
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
  /** What the shadow holds; null where enforcement would have refused. */
  shadowNeed: bigint | null;
  open: boolean;
}

/** What a configuration changed about the meters. */
export interface MeterChanges {
  readonly added: readonly Meter[];
  readonly removed: readonly string[];
  /** Windows whose new cap is below what they have settled and hold. */
  readonly lowered: readonly {
    readonly window: Window;
    readonly from: bigint;
    readonly to: bigint;
  }[];
}

/** What an attempt cost in each unit. */
export interface Charge {
  readonly cost: bigint;
  readonly usage: Usage;
}

export class Ledger {
  readonly #meters = new Map<string, Meter>();
  readonly #windows = new Map<string, Window>();
  readonly #holds = new Map<string, Hold>();
  readonly #settled = new Set<(hold: Hold, cost: bigint) => void>();

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
  configure(definitions: readonly MeterDefinition[]): MeterChanges {
    const wanted = new Map(definitions.map((definition) => [meterId(definition), definition]));
    const removed = [...this.#meters.keys()].filter((id) => !wanted.has(id));
    for (const id of removed) this.forget(id);
    const added: Meter[] = [];
    const lowered: { window: Window; from: bigint; to: bigint }[] = [];
    for (const [id, definition] of wanted) {
      const known = this.#meters.get(id);
      const meter = known ?? this.track(id);
      if (known === undefined) added.push(meter);
      const from = meter.cap;
      meter.cap = definition.cap;
      meter.overshoot = definition.overshoot;
      if (from !== null && definition.cap < from) lowered.push(...this.#lowered(meter, from));
    }
    return { added, removed, lowered };
  }

  #lowered(meter: Meter, from: bigint): { window: Window; from: bigint; to: bigint }[] {
    const to = meter.cap ?? 0n;
    return [...this.#windows.values()]
      .filter((window) => window.meter === meter && window.settled + window.held > to)
      .map((window) => ({ window, from, to }));
  }

  /** Starts counting for a meter by its id, with no cap yet. */
  track(id: string): Meter {
    const known = this.#meters.get(id);
    if (known !== undefined) return known;
    const identity = parseMeterId(id);
    invariant(identity !== null, `a meter id can be read: ${id}`);
    const meter: Meter = { ...identity, id, cap: null, overshoot: "none", current: null };
    this.#meters.set(id, meter);
    return meter;
  }

  /** Stops counting for a meter; holds in flight still settle in its windows, which nobody sees. */
  forget(id: string): void {
    const meter = this.#meters.get(id);
    if (meter === undefined) return;
    meter.cap = null;
    meter.current = null;
    this.#meters.delete(id);
    for (const [key, window] of this.#windows)
      if (window.meter === meter) this.#windows.delete(key);
  }

  /** The window of `meter` at `nowMs`, made where it is missing, with what has expired taken out. */
  windowAt(meter: Meter, nowMs: number, session: SessionName | null): Window {
    if (meter.span?.kind === "session") {
      invariant(session !== null, "a session meter is asked with a session");
      return this.#put(newWindow(meter, nowMs, session));
    }
    const current = meter.current;
    if (current !== null && (current.endMs === null || nowMs < current.endMs)) {
      advance(current, nowMs);
      return current;
    }
    const window = this.#put(newWindow(meter, nowMs, null));
    if (current !== null && current.inFlight === 0) this.#windows.delete(current.key);
    meter.current = window;
    advance(window, nowMs);
    return window;
  }

  /** The window with this key, made where it is missing; for replay, where only keys are known. */
  windowByKey(key: string, nowMs: number): Window {
    const known = this.#windows.get(key);
    if (known !== undefined) return known;
    const parts = parseWindowKey(key);
    const meter = this.#meters.get(parts.meterId) ?? detachedMeter(parts.meterId);
    const window = newWindow(meter, parts.instantMs ?? nowMs, parts.session);
    return this.#meters.has(parts.meterId) ? this.#put(window) : window;
  }

  #put(window: Window): Window {
    const known = this.#windows.get(window.key);
    if (known !== undefined) return known;
    this.#windows.set(window.key, window);
    return window;
  }

  /** Takes a decided hold on all its windows. The caller has checked that it fits. */
  take(hold: Omit<Hold, "open">): Hold {
    invariant(!this.#holds.has(hold.id), "a hold is taken once");
    const held: Hold = { ...hold, open: true };
    for (const window of held.windows) this.#takeIn(held, window);
    this.#holds.set(held.id, held);
    return held;
  }

  #takeIn(hold: Hold, window: Window): void {
    advance(window, hold.admittedMs);
    const shadow = hold.shadowNeed === null ? null : amountHeld(window, hold.shadowNeed);
    take(window, amountHeld(window, hold.need), shadow, hold.admittedMs);
  }

  /** Lets an open hold enter one more window, as if it had been in its chain from the start. */
  adopt(hold: Hold, window: Window): void {
    this.#takeIn(hold, window);
    hold.windows.push(window);
  }

  /** Lowers an open hold to `need`. */
  release(hold: Hold, need: bigint): void {
    invariant(hold.open && need <= hold.need, "a release lowers an open hold");
    const by = hold.need - need;
    const shadowBy =
      hold.shadowNeed === null ? 0n : hold.shadowNeed - minimum(hold.shadowNeed, need);
    for (const window of hold.windows)
      if (window.meter.unit === "usd") release(window, by, shadowBy);
    hold.need = need;
    if (hold.shadowNeed !== null) hold.shadowNeed -= shadowBy;
  }

  /** Replaces a hold by what the attempt cost. */
  settle(hold: Hold, charge: Charge, nowMs: number): void {
    this.#end(hold, nowMs, (window) => amountSettled(window, charge));
    for (const listener of this.#settled) listener(hold, charge.cost);
  }

  /** Gives a hold back whole: the attempt never reached its upstream. */
  cancel(hold: Hold, nowMs: number): void {
    this.#end(hold, nowMs, () => 0n);
  }

  #end(hold: Hold, nowMs: number, settledIn: (window: Window) => bigint): void {
    invariant(hold.open, "a hold ends once");
    hold.open = false;
    this.#holds.delete(hold.id);
    for (const window of hold.windows) {
      advance(window, nowMs);
      settle(window, {
        held: amountHeld(window, hold.need),
        shadowHeld: hold.shadowNeed === null ? null : amountHeld(window, hold.shadowNeed),
        settled: settledIn(window),
        admittedMs: hold.admittedMs,
      });
      this.#dropIfOver(window);
    }
  }

  #dropIfOver(window: Window): void {
    if (window.inFlight === 0 && window.endMs !== null && window.meter.current !== window)
      this.#windows.delete(window.key);
  }

  /** Adds to what a window has settled: an opening balance, or a correction's difference. */
  addSettled(window: Window, amount: bigint, admittedMs: number): void {
    add(window, amount, amount, admittedMs);
  }

  /** From here on the shadow counts apart from the books, starting from them. */
  startShadow(): void {
    for (const hold of this.#holds.values()) hold.shadowNeed = hold.need;
    for (const window of this.#windows.values()) {
      window.shadowSettled = window.settled;
      window.shadowHeld = window.held;
      for (const bucket of window.buckets ?? []) bucket.shadowSettled = bucket.settled;
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
  return { ...identity, id, cap: null, overshoot: "none", current: null };
}

/** What an attempt holds in a window of this unit while it runs. */
export function amountHeld(window: Window, need: bigint): bigint {
  switch (window.meter.unit) {
    case "usd":
      return need;
    case "requests":
    case "concurrent":
      return 1n;
    case "input_tokens":
    case "output_tokens":
      return 0n;
  }
}

function amountSettled(window: Window, charge: Charge): bigint {
  switch (window.meter.unit) {
    case "usd":
      return charge.cost;
    case "requests":
      return 1n;
    case "concurrent":
      return 0n;
    case "input_tokens":
      return BigInt(limitedInputTokens(charge.usage));
    case "output_tokens":
      return BigInt(charge.usage.output_tokens);
  }
}

/** Input as rate limits count it: what had to be read anew. Cache reads are not, as at the provider. */
function limitedInputTokens(usage: Usage): number {
  return usage.input_tokens + usage.cache_write_5m_input_tokens + usage.cache_write_1h_input_tokens;
}

function minimum(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}
