/** Records that wait to be written, in order; and, while the disk is full, those that can wait longer. */

/** Whoever awaits an intent. */
export interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface Entry {
  /** The record as JSON, serialised once. */
  readonly json: string;
  /** The record's own time. */
  readonly time: string;
  /** Monotonic clock when it was queued. */
  readonly queuedMs: number;
  /** Null for an outcome. */
  readonly waiter: Waiter | null;
}

/** Enough for minutes of a fleet that retries against a full disk; some 10 MB. */
const DEFERRED_RECORDS_MAX = 10_000;

export class RecordQueue {
  #entries: Entry[] = [];
  #deferred: Entry[] = [];
  #dropped = 0;

  /** Records that wait, deferred ones included. */
  get size(): number {
    return this.#entries.length + this.#deferred.length;
  }

  /** Records that `take` would give. */
  get ready(): number {
    return this.#entries.length;
  }

  /** When the oldest was queued; null where none waits. */
  get oldestMs(): number | null {
    const first = this.#entries[0]?.queuedMs;
    const deferred = this.#deferred[0]?.queuedMs;
    if (first === undefined || deferred === undefined) return first ?? deferred ?? null;
    return Math.min(first, deferred);
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** Sets a record aside until `releaseDeferred`; beyond a bound it is counted and dropped. */
  defer(entry: Entry): void {
    if (this.#deferred.length < DEFERRED_RECORDS_MAX) this.#deferred.push(entry);
    else this.#dropped++;
  }

  /** Queues what was deferred. @returns how many records were dropped since the last call. */
  releaseDeferred(): number {
    const dropped = this.#dropped;
    this.#entries.push(...this.#deferred);
    this.#deferred = [];
    this.#dropped = 0;
    return dropped;
  }

  /** Removes and gives the oldest, at most `limit`. */
  take(limit: number): Entry[] {
    if (this.#entries.length > limit) return this.#entries.splice(0, limit);
    const all = this.#entries;
    this.#entries = [];
    return all;
  }

  /** Returns records that were taken; they come first again. */
  putBack(entries: readonly Entry[]): void {
    this.#entries.unshift(...entries);
  }

  /** Removes all that someone awaits, and gives their waiters. */
  removeIntents(): Waiter[] {
    const waiters = waitersOf(this.#entries);
    this.#entries = outcomesOf(this.#entries);
    return waiters;
  }
}

export function waitersOf(entries: readonly Entry[]): Waiter[] {
  return entries.flatMap((entry) => (entry.waiter === null ? [] : [entry.waiter]));
}

export function outcomesOf(entries: readonly Entry[]): Entry[] {
  return entries.filter((entry) => entry.waiter === null);
}
