/** What one run through the gate came to: its money, its waits, its refusals. */
import type { Usage } from "../../src/core/usage.ts";
import type { RefusalCode, Witness } from "./gate.ts";

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
  cost = 0n;
  readTokens = 0;
  inputTokens = 0;
  outputTokens = 0;
  /** Of those that waited and were then admitted. */
  readonly waitsMs: number[] = [];
  readonly refused: Record<RefusalCode, number> = {
    budget_busy: 0,
    request_exceeds_budget: 0,
    budget_exhausted: 0,
  };
  /** When somebody waited first and last, and how much of the fullest cap was settled at first. */
  firstWait: { readonly atMs: number; readonly settledShare: number } | null = null;
  lastWaitMs = 0;

  readonly onAdmitted: Witness["onAdmitted"] = ({ arrival, maxTokens }, waitedMs) => {
    this.requests++;
    this.answers++;
    if (maxTokens < Math.min(arrival.truth.outputTokens, arrival.asked)) this.cut++;
    if (waitedMs > 0) this.waitsMs.push(waitedMs);
  };

  readonly onCounted = (): void => {
    this.counted++;
  };

  readonly onWaiting: Witness["onWaiting"] = (atMs, settledShare) => {
    this.firstWait ??= { atMs, settledShare };
    this.lastWaitMs = atMs;
  };

  readonly onRefused: Witness["onRefused"] = (code, settledShare) => {
    this.requests++;
    this.refused[code]++;
    if (settledShare <= SPENT_SHARE) this.refusedEarly++;
  };

  readonly onSettled = (cost: bigint, usage: Usage): void => {
    const { cache_read_input_tokens: read, cache_write_5m_input_tokens: written } = usage;
    this.cost += cost;
    this.readTokens += read;
    this.inputTokens += usage.input_tokens + read + written;
    this.outputTokens += usage.output_tokens;
  };
}

/** The value at or below which `share` of the values lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
