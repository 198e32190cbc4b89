/**
 * The list prices of Anthropic's models, as data: reviewed in pull requests and never edited, only
 * followed by another row. A model's first row also covers the time before it.
 */

/** US dollars per million tokens, as the list prints them. */
export interface PriceList {
  readonly input: string;
  readonly output: string;
  readonly cacheRead: string;
  readonly cacheWrite5m: string;
  readonly cacheWrite1h: string;
}

export interface PriceRow {
  /** The id on the wire, at Anthropic's models without `claude-` and without a date. */
  readonly model: string;
  /** Other names of the same model, in the same form. */
  readonly aliases?: readonly string[];
  /** YYYY-MM-DD; effective from its midnight UTC. */
  readonly from: string;
  readonly prices: PriceList;
  /** A prompt above `aboveTokens` reprices the whole request. */
  readonly longContext?: { readonly aboveTokens: number; readonly prices: PriceList };
  /** Only where the model has fast mode. */
  readonly fast?: PriceList;
  readonly contextWindowTokens: number;
  readonly maxOutputTokens: number;
  /** US dollars for a thousand searches. */
  readonly webSearchPerThousand: string;
  /** US dollars for a thousand requests besides their tokens; left out: nothing. */
  readonly feePerThousandRequests?: string;
  /** Other prices in these hours of every day: from the first to before the second, in UTC. */
  readonly peak?: {
    readonly hoursUtc: readonly (readonly [number, number])[];
    readonly prices: PriceList;
  };
  /** The provider charges for writes to its cache that no marker asked for. */
  readonly cachesUnasked?: true;
  readonly source: string;
  /** The day on which somebody compared the row with its source. */
  readonly checkedOn: string;
}

const LIST = {
  webSearchPerThousand: "10",
  source: "https://platform.claude.com/docs/en/about-claude/pricing",
  checkedOn: "2026-11-20",
} as const;
const WINDOW_1M = { contextWindowTokens: 1_000_000, maxOutputTokens: 128_000, ...LIST } as const;
const WINDOW_1M_64K = { contextWindowTokens: 1_000_000, maxOutputTokens: 64_000, ...LIST } as const;
const WINDOW_200K = { contextWindowTokens: 200_000, maxOutputTokens: 64_000, ...LIST } as const;
const WINDOW_200K_32K = { contextWindowTokens: 200_000, maxOutputTokens: 32_000, ...LIST } as const;

const FABLE_5 = list("10", "50", "1", "12.5", "20");
const FABLE_5_1 = list("10", "50", "0.25", "12.5", "20");
const FABLE_5_2 = list("8", "40", "0.20", "10", "16");
const FABLE_5_2_FAST = list("16", "80", "0.40", "20", "32");
const OPUS_4 = list("15", "75", "1.50", "18.75", "30");
const OPUS_4_5 = list("5", "25", "0.50", "6.25", "10");
const OPUS_4_5_LONG = list("10", "37.5", "1", "12.5", "20");
const OPUS_4_8_FAST = list("10", "50", "1", "12.5", "20");
const OPUS_5_5 = list("4", "20", "0.20", "5", "8");
const OPUS_5_5_FAST = list("8", "40", "0.40", "10", "16");
const SONNET_4 = list("3", "15", "0.30", "3.75", "6");
const SONNET_4_LONG = list("6", "22.5", "0.60", "7.5", "12");
const SONNET_5 = list("2", "10", "0.20", "2.5", "4");
const SONNET_5_5 = list("2", "10", "0.10", "2.5", "4");
const HAIKU_3_5 = list("0.80", "4", "0.08", "1", "1.6");
const HAIKU_4_5 = list("1", "5", "0.10", "1.25", "2");
const HAIKU_5_5 = list("0.10", "0.50", "0.01", "0.125", "0.20");
const HAIKU_5_5_LONG = list("0.50", "2.50", "0.05", "0.625", "1.00");

const OPUS_ABOVE_200K = { aboveTokens: 200_000, prices: OPUS_4_5_LONG } as const;
const SONNET_ABOVE_200K = { aboveTokens: 200_000, prices: SONNET_4_LONG } as const;

/** Newest family first; the rows of one model in the order of their dates. */
export const PRICE_TABLE: readonly PriceRow[] = [
  { model: "fable-5-2", from: "2026-11-09", prices: FABLE_5_2, fast: FABLE_5_2_FAST, ...WINDOW_1M },
  { model: "mythos-5-2", from: "2026-11-09", prices: FABLE_5_2, ...WINDOW_1M },
  { model: "fable-5-1", from: "2026-09-01", prices: FABLE_5_1, ...WINDOW_1M },
  { model: "mythos-5-1", from: "2026-09-01", prices: FABLE_5_1, ...WINDOW_1M },
  { model: "fable-5", from: "2026-06-09", prices: FABLE_5, ...WINDOW_1M },
  { model: "mythos-5", from: "2026-06-09", prices: FABLE_5, ...WINDOW_1M },
  { model: "opus-5-5", from: "2026-09-01", prices: OPUS_5_5, fast: OPUS_5_5_FAST, ...WINDOW_1M },
  { model: "opus-5", from: "2026-07-24", prices: OPUS_4_5, fast: OPUS_4_8_FAST, ...WINDOW_1M },
  { model: "opus-4-8", from: "2026-05-28", prices: OPUS_4_5, fast: OPUS_4_8_FAST, ...WINDOW_1M },
  { model: "opus-4-7", from: "2026-04-16", prices: OPUS_4_5, ...WINDOW_1M },
  {
    model: "opus-4-6",
    from: "2026-02-05",
    prices: OPUS_4_5,
    longContext: OPUS_ABOVE_200K,
    ...WINDOW_1M,
  },
  { model: "opus-4-6", from: "2026-03-13", prices: OPUS_4_5, ...WINDOW_1M },
  { model: "opus-4-5", from: "2025-11-24", prices: OPUS_4_5, ...WINDOW_200K },
  { model: "opus-4-1", from: "2025-08-05", prices: OPUS_4, ...WINDOW_200K_32K },
  {
    model: "opus-4",
    aliases: ["opus-4-0"],
    from: "2025-05-22",
    prices: OPUS_4,
    ...WINDOW_200K_32K,
  },
  { model: "sonnet-5-5", from: "2026-09-28", prices: SONNET_5, ...WINDOW_1M },
  { model: "sonnet-5-5", from: "2026-10-07", prices: SONNET_5_5, ...WINDOW_1M },
  { model: "sonnet-5", from: "2026-06-30", prices: SONNET_5, ...WINDOW_1M },
  {
    model: "sonnet-4-6",
    from: "2026-02-17",
    prices: SONNET_4,
    longContext: SONNET_ABOVE_200K,
    ...WINDOW_1M,
  },
  { model: "sonnet-4-6", from: "2026-03-13", prices: SONNET_4, ...WINDOW_1M },
  {
    model: "sonnet-4-5",
    from: "2025-09-29",
    prices: SONNET_4,
    longContext: SONNET_ABOVE_200K,
    ...WINDOW_1M_64K,
  },
  // The beta of the 1M window ended that day; a longer prompt is an error since.
  { model: "sonnet-4-5", from: "2026-04-30", prices: SONNET_4, ...WINDOW_200K },
  {
    model: "sonnet-4",
    aliases: ["sonnet-4-0"],
    from: "2025-05-22",
    prices: SONNET_4,
    longContext: SONNET_ABOVE_200K,
    ...WINDOW_1M_64K,
  },
  {
    model: "sonnet-4",
    aliases: ["sonnet-4-0"],
    from: "2026-04-30",
    prices: SONNET_4,
    ...WINDOW_200K,
  },
  {
    model: "3-7-sonnet",
    aliases: ["3-7-sonnet-latest"],
    from: "2025-02-24",
    prices: SONNET_4,
    ...WINDOW_200K,
  },
  {
    model: "haiku-5-5",
    from: "2026-10-07",
    prices: HAIKU_5_5,
    longContext: { aboveTokens: 100_000, prices: HAIKU_5_5_LONG },
    ...WINDOW_1M,
  },
  { model: "haiku-4-5", from: "2025-10-15", prices: HAIKU_4_5, ...WINDOW_200K },
  {
    model: "3-5-haiku",
    aliases: ["3-5-haiku-latest"],
    from: "2024-10-22",
    prices: HAIKU_3_5,
    contextWindowTokens: 200_000,
    maxOutputTokens: 8_192,
    ...LIST,
  },
];

/** What an unknown model is charged at. */
export const ASSUMED_PRICES: PriceList = OPUS_4_5;

function list(
  ...[input, output, cacheRead, cacheWrite5m, cacheWrite1h]: readonly [
    string,
    string,
    string,
    string,
    string,
  ]
): PriceList {
  return { input, output, cacheRead, cacheWrite5m, cacheWrite1h };
}
