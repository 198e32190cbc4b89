/** A histogram that keeps what it observes for a while and sorts it into its buckets many at a time. */
import { Histogram, type Registry } from "prom-client";

/** The library's own work on one value costs several times as much where it comes alone. */
const QUEUED_MAX = 1_000;

export class QueuedHistogram {
  readonly #histogram: Histogram;
  #queued: number[] = [];

  constructor(
    registry: Registry,
    of: { readonly name: string; readonly help: string; readonly buckets: readonly number[] },
  ) {
    this.#histogram = new Histogram({
      name: of.name,
      help: of.help,
      buckets: [...of.buckets],
      registers: [registry],
      collect: () => this.#flush(),
    });
  }

  observe(value: number): void {
    this.#queued.push(value);
    if (this.#queued.length === QUEUED_MAX) this.#flush();
  }

  #flush(): void {
    for (const value of this.#queued) this.#histogram.observe(value);
    this.#queued = [];
  }
}
