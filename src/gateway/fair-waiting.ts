/** Where requests wait for room at providers: a fair queue for each, served one after the other as room comes. */
import type { FairnessConfig } from "../config/fairness-config.ts";
import type { Clock } from "../core/time.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { FairQueue, type FlowPath } from "../routing/fairness/fair-queue.ts";
import type { Entry } from "../routing/fairness/flow.ts";
import { Regained } from "../routing/fairness/regained.ts";

/** For what nobody tells: raised caps, clients whose key was revoked. */
const LOOK_AGAIN_MS = 1_000;
/** No timer is shorter: token buckets refill all the time. */
const LOOK_LEAST_MS = 5;
/** The weight of the newest of the times between two that were served. */
const NEWEST = 0.1;

/** A provider that could serve, and with which of its keys; "" where it needs none. */
export interface Place {
  readonly provider: string;
  readonly keys: readonly string[];
}

/** What waits: asked in its turn, alone, and given room for nobody else until the event loop has turned. */
export interface Turn<Result> {
  readonly path: FlowPath;
  readonly cost: number;
  /** Monotonic milliseconds since when it waits: its own flow's oldest goes first. */
  readonly sinceMs: number;
  readonly atMostMs: number;
  readonly places: readonly Place[];
  /** Takes what there is at a provider, but for keys that others wait for before it. Null: nothing. */
  readonly tryAt: (provider: string, taken: ReadonlySet<string>) => Result | null;
  /** Why it need not wait any more; null: it may. */
  readonly ended: () => Result | null;
  /** In how many milliseconds there may be room; used when `tryAt` has found none. */
  readonly roomInMs: (provider: string) => number;
  /** Called with the function that ends the wait at once. */
  readonly onLeave: (leave: () => void) => void;
}

/** `full`: the queue had no place for it, or no longer. */
export type Waited<Result> =
  | { readonly kind: "served"; readonly result: Result }
  | { readonly kind: "left" }
  | { readonly kind: "full" | "late"; readonly retryMs: number };

interface Waiter {
  readonly turn: Omit<Turn<unknown>, "onLeave">;
  /** Serves it where there is room, after telling so; false: it stays. */
  readonly tryAt: (line: Line, taken: ReadonlySet<string>, onServed: () => void) => boolean;
  /** True where it has left. */
  readonly hasEnded: () => boolean;
  readonly sendAway: () => void;
  readonly entries: Map<Line, Entry<Waiter>>;
}

/** All that wait for one provider. */
interface Line {
  readonly provider: string;
  readonly queue: FairQueue<Waiter>;
  /** How many could use each key. */
  readonly awaited: Map<string, number>;
  timer: NodeJS.Timeout | null;
  dueMs: number;
  isWoken: boolean;
  servedMs: number | null;
  /** Between two that were served, a moving mean; null: not known. */
  intervalMs: number | null;
}

export class FairWaiting {
  /** Keys that come back by degrees after their provider has refused them. */
  readonly regained = new Regained();
  readonly #clock: Clock;
  readonly #settings: () => FairnessConfig;
  readonly #onWaited: (seconds: number) => void;
  readonly #lines = new Map<string, Line>();
  readonly #waiters = new Set<Waiter>();
  #sweep: NodeJS.Timeout | null = null;

  constructor(
    ledger: Ledger,
    of: {
      readonly clock: Clock;
      readonly settings: () => FairnessConfig;
      /** Called with the seconds that a request has waited in a queue, however that ended. */
      readonly onWaited: (seconds: number) => void;
    },
  ) {
    this.#clock = of.clock;
    this.#settings = of.settings;
    this.#onWaited = of.onWaited;
    ledger.onFreed(() => this.wake());
  }

  get settings(): FairnessConfig {
    return this.#settings();
  }

  /** Requests that wait now. */
  get size(): number {
    return this.#waiters.size;
  }

  /** How many wait for each provider, of those for which any has waited lately. */
  waitingBy(): ReadonlyMap<string, number> {
    return new Map([...this.#lines.values()].map(({ provider, queue }) => [provider, queue.size]));
  }

  /** Whether others wait for a provider's key: who comes now goes behind them. */
  isAwaited(provider: string, key: string): boolean {
    return this.#waiters.size > 0 && this.#lines.get(provider)?.awaited.has(key) === true;
  }

  /** Something may have room: looked at in the next turn of the event loop, once for all that happens in this. */
  wake(): void {
    if (this.#waiters.size === 0) return;
    for (const line of this.#lines.values()) if (line.queue.size > 0) this.#wake(line);
  }

  /** Waits for its turn at any of its places. Rejects with what `tryAt` throws. */
  wait<Result>(turn: Turn<Result>): Promise<Waited<Result>> {
    const startedMs = this.#clock.monotonicMs();
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (waited: Waited<Result>) => {
        if (isOver) return;
        isOver = true;
        clearTimeout(deadline);
        this.#remove(waiter);
        this.#onWaited((this.#clock.monotonicMs() - startedMs) / 1000);
        resolve(waited);
      };
      const serve = (attempt: () => Result | null): boolean => {
        try {
          const result = attempt();
          if (result !== null) end({ kind: "served", result });
        } catch (error) {
          // A fault is its own request's: thrown from a timer it would end the process for all.
          this.#remove(waiter);
          isOver = true;
          clearTimeout(deadline);
          reject(error instanceof Error ? error : new Error(String(error)));
        }
        return isOver;
      };
      const waiter: Waiter = {
        turn,
        tryAt: ({ provider }, taken, onServed) =>
          serve(() => {
            const result = turn.tryAt(provider, taken);
            if (result !== null) onServed();
            return result;
          }),
        hasEnded: () => serve(turn.ended),
        sendAway: () => end({ kind: "full", retryMs: this.#retryMs(waiter) }),
        entries: new Map(),
      };
      const deadline = setTimeout(
        () => end({ kind: "late", retryMs: this.#retryMs(waiter) }),
        turn.atMostMs,
      );
      this.#enter(waiter);
      turn.onLeave(() => end({ kind: "left" }));
    });
  }

  #enter(waiter: Waiter): void {
    const { turn } = waiter;
    this.#waiters.add(waiter);
    const { path, cost, sinceMs } = turn;
    for (const { provider, keys } of turn.places) {
      const line = this.#lineOf(provider);
      if (line.queue.size >= this.#settings().queueMax) {
        const excess = line.queue.excess(path);
        if (excess === null) continue;
        this.#leaveLine(excess.item, line);
        if (excess.item.entries.size === 0) excess.item.sendAway();
      }
      const entry = line.queue.add({ item: waiter, path, line: keys.join(" "), cost, sinceMs });
      waiter.entries.set(line, entry);
      for (const key of keys) line.awaited.set(key, (line.awaited.get(key) ?? 0) + 1);
      this.#lookIn(line, turn.roomInMs(provider));
    }
    this.#sweep ??= setInterval(() => this.#sweepAll(), LOOK_AGAIN_MS).unref();
    if (waiter.entries.size === 0) waiter.sendAway();
  }

  #remove(waiter: Waiter): void {
    for (const line of waiter.entries.keys()) this.#leaveLine(waiter, line);
    this.#waiters.delete(waiter);
    if (this.#waiters.size > 0 || this.#sweep === null) return;
    clearInterval(this.#sweep);
    this.#sweep = null;
  }

  #leaveLine(waiter: Waiter, line: Line): void {
    const entry = waiter.entries.get(line);
    if (entry === undefined) return;
    line.queue.leave(entry);
    waiter.entries.delete(line);
    for (const key of keysAt(waiter, line)) {
      const rest = (line.awaited.get(key) ?? 0) - 1;
      if (rest > 0) line.awaited.set(key, rest);
      else line.awaited.delete(key);
    }
    if (line.queue.size > 0) return;
    if (line.timer !== null) clearTimeout(line.timer);
    line.timer = null;
    line.servedMs = null;
  }

  /** Serves one, if there is room: it takes its hold before the event loop turns and the next is looked at. */
  #look(line: Line): void {
    const shut = new Set<string>();
    const taken = new Set<string>();
    let nextMs = LOOK_AGAIN_MS;
    for (;;) {
      const entry = line.queue.next(shut);
      if (entry === null) break;
      const waiter = entry.item;
      const keys = keysAt(waiter, line);
      if (waiter.hasEnded()) continue;
      const onServed = () => this.#served(line, entry, shut);
      const isOpen = keys.some((key) => !taken.has(key));
      if (isOpen && waiter.tryAt(line, taken, onServed) && line.isWoken) return;
      // It has left by a fault of its own.
      if (!waiter.entries.has(line)) continue;
      shut.add(entry.line);
      for (const key of keys) taken.add(key);
      nextMs = Math.min(nextMs, waiter.turn.roomInMs(line.provider));
    }
    if (line.queue.size > 0) this.#lookIn(line, nextMs);
  }

  #served(line: Line, entry: Entry<Waiter>, shut: ReadonlySet<string>): void {
    line.queue.serve(entry, shut);
    const nowMs = this.#clock.monotonicMs();
    const { servedMs, intervalMs } = line;
    if (servedMs !== null) {
      const sinceMs = nowMs - servedMs;
      line.intervalMs =
        intervalMs === null ? sinceMs : intervalMs + NEWEST * (sinceMs - intervalMs);
    }
    line.servedMs = nowMs;
    this.#wake(line);
  }

  #wake(line: Line): void {
    if (line.isWoken) return;
    line.isWoken = true;
    setImmediate(() => {
      line.isWoken = false;
      this.#look(line);
    });
  }

  #lookIn(line: Line, inMs: number): void {
    const waitMs = Math.max(LOOK_LEAST_MS, Math.min(inMs, LOOK_AGAIN_MS));
    const dueMs = this.#clock.monotonicMs() + waitMs;
    if (line.timer !== null && line.dueMs <= dueMs) return;
    if (line.timer !== null) clearTimeout(line.timer);
    line.dueMs = dueMs;
    line.timer = setTimeout(() => {
      line.timer = null;
      this.#look(line);
    }, waitMs);
  }

  /** Those whose turn has not come leave as well. */
  #sweepAll(): void {
    for (const waiter of this.#waiters) waiter.hasEnded();
  }

  /** When who comes again then finds those served that wait now. */
  #retryMs({ turn }: Waiter): number {
    let leastMs = Infinity;
    for (const { provider } of turn.places) {
      const line = this.#lineOf(provider);
      const drainedMs = (line.queue.size + 1) * (line.intervalMs ?? 0);
      leastMs = Math.min(leastMs, Math.max(drainedMs, turn.roomInMs(provider)));
    }
    return leastMs;
  }

  #lineOf(provider: string): Line {
    const known = this.#lines.get(provider);
    if (known !== undefined) return known;
    const line: Line = {
      provider,
      queue: new FairQueue(),
      awaited: new Map(),
      timer: null,
      dueMs: 0,
      isWoken: false,
      servedMs: null,
      intervalMs: null,
    };
    this.#lines.set(provider, line);
    return line;
  }
}

function keysAt({ turn }: Waiter, { provider }: Line): readonly string[] {
  return turn.places.find((place) => place.provider === provider)?.keys ?? [];
}
