/** One timer for all time-outs of a client, in place of some for each exchange. */
import { systemClock } from "../../core/time.ts";

/** By so much a time-out may be late; it is never early. */
const TICK_MS = 25;

/** Calls `onTick` with the monotonic time until it returns false; then it stands until the next `start`. */
export class Ticker {
  readonly #onTick: (nowMs: number) => boolean;
  #timer: NodeJS.Timeout | null = null;

  constructor(onTick: (nowMs: number) => boolean) {
    this.#onTick = onTick;
  }

  start(): void {
    // What has a time-out has a socket, and that keeps the process running.
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  #tick(): void {
    if (this.#onTick(systemClock.monotonicMs()) || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
