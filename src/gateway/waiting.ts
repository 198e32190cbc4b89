/** Where requests wait that only others' holds keep out: oldest first, but any that fits may pass. */
import type { Ledger } from "../ledger/ledger.ts";
import type { Clock } from "../core/time.ts";

/** Freed money wakes the room at once; this is for what nobody tells: window edges, raised caps. */
const LOOK_AGAIN_MS = 1_000;

interface Waiter {
  /** Tries again, and leaves where it is done. Holds nothing until then. */
  readonly tryAgain: () => void;
}

export class WaitingRoom {
  readonly #waiters = new Set<Waiter>();
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | null = null;
  #isWoken = false;

  constructor(ledger: Ledger, clock: Clock) {
    this.#clock = clock;
    ledger.onFreed(() => this.wake());
  }

  /** Requests that wait now. */
  get size(): number {
    return this.#waiters.size;
  }

  /**
   * Waits until `attempt` gives something, `leave` is called, or the deadline has passed.
   *
   * @param attempt null: not yet. Called in the order of arrival, in one turn for all who wait.
   * @returns what `attempt` gave; null where the deadline came first. Rejects with what `attempt` throws.
   */
  wait<Result>(
    attempt: () => Result | null,
    options: {
      readonly atMostMs: number;
      /** Called with the function that ends the wait at once. */
      readonly onLeave: (leave: () => void) => void;
    },
  ): Promise<{ readonly result: Result | null; readonly waitedMs: number }> {
    const startedMs = this.#clock.monotonicMs();
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(deadline);
        this.#waiters.delete(waiter);
        if (this.#waiters.size === 0) this.#stopLooking();
      };
      const finish = (result: Result | null) => {
        leave();
        resolve({ result, waitedMs: this.#clock.monotonicMs() - startedMs });
      };
      const waiter: Waiter = {
        tryAgain: () => {
          try {
            const result = attempt();
            if (result !== null) finish(result);
          } catch (error) {
            // A fault is its own request's: thrown from a timer it would end the process for all.
            leave();
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        },
      };
      const deadline = setTimeout(() => finish(null), options.atMostMs);
      options.onLeave(() => finish(null));
      this.#waiters.add(waiter);
      this.#timer ??= setInterval(() => this.#look(), LOOK_AGAIN_MS).unref();
    });
  }

  /** Lets all who wait try again soon: something has changed. */
  wake(): void {
    if (this.#isWoken || this.#waiters.size === 0) return;
    this.#isWoken = true;
    // Once for all that settles in this turn.
    setImmediate(() => {
      this.#isWoken = false;
      this.#look();
    });
  }

  #look(): void {
    for (const waiter of this.#waiters) waiter.tryAgain();
  }

  #stopLooking(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
