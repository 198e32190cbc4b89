/** The shape of a provider's price list as data: reviewed in pull requests, never edited, only followed. */
import type { PriceList } from "../table.ts";

interface TableRow {
  /** As the provider names it on the wire. */
  readonly model: string;
  readonly aliases?: readonly string[];
  /** YYYY-MM-DD; left out: the day on which the table was checked. A model's first row covers the time before. */
  readonly from?: string;
  readonly prices: PriceList;
  /** A prompt above `aboveTokens` reprices the whole request. */
  readonly longContext?: { readonly aboveTokens: number; readonly prices: PriceList };
  /** Other prices in these hours of every day: from the first to before the second, in UTC. */
  readonly peak?: {
    readonly hoursUtc: readonly (readonly [number, number])[];
    readonly prices: PriceList;
  };
  /** US dollars for a thousand requests, besides the tokens. */
  readonly feePerThousandRequests?: string;
  readonly contextWindowTokens: number;
  readonly maxOutputTokens: number;
}

export interface ProviderTable {
  /** The catalogue's kinds that charge by it. */
  readonly kinds: readonly string[];
  readonly source: string;
  /** The day on which somebody compared the rows with their source or with independent lists of it. */
  readonly checkedOn: string;
  readonly rows: readonly TableRow[];
}

/**
 * US dollars per million tokens. Where the list names no price for reading from or writing to the
 * cache, such a token costs what any other of the input costs.
 */
export function list(
  input: string,
  output: string,
  cached: { readonly read?: string; readonly write?: string } = {},
): PriceList {
  const { read = input, write = input } = cached;
  return { input, output, cacheRead: read, cacheWrite5m: write, cacheWrite1h: write };
}
