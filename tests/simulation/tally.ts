/** What one run through the gate came to: its money, its waits, its refusals. */
import type { Usage } from "../../src/core/usage.ts";
import type { Grant, RefusalCode, Witness } from "./gate.ts";

/** Above this share of a cap nobody counts a refusal as too early. */
const SPENT_SHARE = 0.95;

export class Tally implements Witness {
  /** Requests that were admitted or refused; a retry after `retry-after` is another one. */
  requests = 0;
  answers = 0;
  /** Answers whose `max_tokens` was lowered below what they needed. */
  cut = 0;
  counted = 0;
  /** Refused with more than 5 % of every cap unspent. */
  refusedEarly = 0;
  /** Requests in flight in the fullest moment. */
  mostInFlight = 0;
  readTokens = 0;
  inputTokens = 0;
  outputTokens = 0;
  /** What the provider has billed. */
  cost = 0n;
  /** What each window has settled, the first one first. */
  readonly settled = new Map<string, bigint>();
  /** Of those that waited and were then admitted. */
  readonly waitsMs: number[] = [];
  readonly refused: Record<RefusalCode, number> = {
    budget_busy: 0,
    request_exceeds_budget: 0,
    budget_exhausted: 0,
  };
  /** Settled share of the fullest cap when somebody first waited; null: nobody has. */
  firstWaitShare: number | null = null;
  /** Time during which somebody waited. */
  queueMs = 0;
  #waiting = 0;
  #queueSinceMs = 0;

  onAdmitted({ arrival, maxTokens, hold }: Grant, waitedMs: number): void {
    this.requests++;
    this.answers++;
    if (maxTokens < Math.min(arrival.truth.outputTokens, arrival.asked)) this.cut++;
    if (waitedMs > 0) this.waitsMs.push(waitedMs);
    for (const { inFlight } of hold.windows)
      this.mostInFlight = Math.max(this.mostInFlight, inFlight);
  }

  onCounted(): void {
    this.counted++;
  }

  onWaiting(change: 1 | -1, atMs: number, settledShare: number): void {
    this.firstWaitShare ??= settledShare;
    if (this.#waiting === 0) this.#queueSinceMs = atMs;
    this.#waiting += change;
    if (this.#waiting === 0) this.queueMs += atMs - this.#queueSinceMs;
  }

  onRefused(code: RefusalCode, settledShare: number): void {
    this.requests++;
    this.refused[code]++;
    if (settledShare <= SPENT_SHARE) this.refusedEarly++;
  }

  onSettled({ hold }: Grant, cost: bigint, usage: Usage): void {
    const { cache_read_input_tokens: read, cache_write_5m_input_tokens: written } = usage;
    this.cost += cost;
    for (const window of hold.windows) this.settled.set(window.key, window.settled);
    this.readTokens += read;
    this.inputTokens += usage.input_tokens + read + written;
    this.outputTokens += usage.output_tokens;
  }

  /** Settled in the window that was spent from first, as a share of a cap. */
  usedOf(cap: bigint): number {
    const [first = 0n] = this.settled.values();
    return Number(first) / Number(cap);
  }
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
