/** How many extra attempts a node may make: at most 30, or 20 % of its requests, in any minute. */

const MINUTE_MS = 60_000;
const FREE_EXTRAS = 30;
const REQUESTS_PER_EXTRA = 5;
/** Entries before this are given back once there are so many. */
const COMPACT_AFTER = 1_024;

/** An extra attempt: when, and requests counted before it less five for each extra before it. */
interface Extra {
  readonly atMs: number;
  readonly balance: number;
}

/**
 * Bounds retries and fail-overs together. For every window of 60 seconds, wherever it begins and whatever
 * comes later, the extras in it are at most max(30, a fifth of the requests in it).
 *
 * Requests to come cannot be counted on, so that an extra is allowed only if each span that ends now and
 * begins with one of the last minute's extras keeps to the bound: with more than 30 extras from the i-th
 * up to this n-th, `requests(now) - requests(i) >= 5 * (n - i + 1)`. The largest `requests(i) - 5i` of
 * those decides; a queue in falling order gives it in constant time, spread over all calls.
 */
export class RetryBudget {
  #requests = 0;
  #extras = 0;
  /** The last 30: no span that begins with one of them is beyond the free ones. Oldest first. */
  readonly #recent: Extra[] = [];
  /** Older ones of the last minute that no later one outdoes, balances falling. */
  #queue: Extra[] = [];
  #head = 0;

  /** Counts a request that a client sent; its first attempt is no extra. */
  countRequest(): void {
    this.#requests++;
  }

  /** Takes one extra attempt at `nowMs` (monotonic); false where the bound forbids it. */
  take(nowMs: number): boolean {
    this.#age(nowMs);
    if (this.#roomBeyondFree() < 1) return false;
    this.#recent.push({ atMs: nowMs, balance: this.#balance() });
    this.#extras++;
    return true;
  }

  /** From 0, nothing used of late, to 1, hardly anything left: breakers open the earlier. */
  pressure(nowMs: number): number {
    this.#age(nowMs);
    const oldest = this.#recent[0];
    const free = FREE_EXTRAS - this.#recent.length;
    const room = oldest === undefined ? free : Math.max(free, this.#roomSince(oldest));
    return 1 - Math.max(0, Math.min(FREE_EXTRAS, room, this.#roomBeyondFree())) / FREE_EXTRAS;
  }

  #balance(): number {
    return this.#requests - REQUESTS_PER_EXTRA * this.#extras;
  }

  /** How many extras a fifth of the requests since `extra` leaves room for. */
  #roomSince(extra: Extra): number {
    return Math.floor((this.#balance() - extra.balance) / REQUESTS_PER_EXTRA);
  }

  /** The same for the strictest of the spans that have used up their 30. */
  #roomBeyondFree(): number {
    const decisive = this.#queue[this.#head];
    return decisive === undefined ? FREE_EXTRAS : this.#roomSince(decisive);
  }

  /** Forgets what is older than a minute, and moves on what the next extra makes the 31st. */
  #age(nowMs: number): void {
    const oldestMs = nowMs - MINUTE_MS;
    while ((this.#recent[0]?.atMs ?? nowMs) < oldestMs) this.#recent.shift();
    if (this.#recent.length >= FREE_EXTRAS) {
      const moved = this.#recent.shift();
      if (moved !== undefined) this.#enqueue(moved);
    }
    while ((this.#queue[this.#head]?.atMs ?? nowMs) < oldestMs) this.#head++;
    if (this.#head > COMPACT_AFTER) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  #enqueue(extra: Extra): void {
    while (this.#queue.length > this.#head) {
      const last = this.#queue.at(-1);
      if (last === undefined || last.balance > extra.balance) break;
      this.#queue.pop();
    }
    this.#queue.push(extra);
  }
}
