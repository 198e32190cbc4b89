/** Gathers what a batch of records adds to the roll-ups, so that each row is written once a batch. */
import { USAGE_FIELDS } from "../core/usage.ts";
import type { Usage } from "../core/usage.ts";
import type { ViewsWriter } from "../store/writer.ts";

/** Days of every zone in use, and their hours, are whole numbers of these. */
export const QUARTER_MS = 15 * 60_000;

interface Charge {
  readonly requests: number;
  /** Null: none. */
  readonly usage: Usage | null;
  /** May be negative: a correction. */
  readonly costNano: bigint;
}

export interface QuarterSums {
  readonly add: (
    place: { readonly timeMs: number; readonly dimension: number },
    charge: Charge,
  ) => void;
  /** Writes the sums and forgets them. */
  readonly flush: () => void;
  readonly reset: () => void;
}

type Sums = Record<(typeof USAGE_FIELDS)[number], number> & {
  readonly quarter_ms: number;
  readonly dimension: number;
  requests: number;
  cost_nano: bigint;
};

/** Sums that are written through `writer`. */
export function createQuarterSums(writer: ViewsWriter): QuarterSums {
  const gathered = new Map<string, Sums>();
  return {
    add: ({ timeMs, dimension }, charge) => {
      const quarterMs = quarterOf(timeMs);
      const key = `${quarterMs}/${dimension}`;
      let sums = gathered.get(key);
      if (sums === undefined) gathered.set(key, (sums = emptySums(quarterMs, dimension)));
      sums.requests += charge.requests;
      sums.cost_nano += charge.costNano;
      if (charge.usage === null) return;
      for (const field of USAGE_FIELDS) sums[field] += charge.usage[field];
    },
    flush: () => {
      for (const sums of gathered.values()) writer.addUsage(sums);
      gathered.clear();
    },
    reset: () => gathered.clear(),
  };
}

/** Start of the quarter of an hour that `timeMs` lies in; both in Unix milliseconds. */
export function quarterOf(timeMs: number): number {
  return Math.floor(timeMs / QUARTER_MS) * QUARTER_MS;
}

function emptySums(quarterMs: number, dimension: number): Sums {
  return {
    quarter_ms: quarterMs,
    dimension,
    requests: 0,
    input_tokens: 0,
    output_tokens: 0,
    thinking_tokens: 0,
    cache_read_input_tokens: 0,
    cache_write_5m_input_tokens: 0,
    cache_write_1h_input_tokens: 0,
    web_search_requests: 0,
    cost_nano: 0n,
  };
}
