/** The bill of a dialect's upstream: its own usage figures at a few list prices, in integers of its own. */
import type { Charge } from "./dialect.ts";

export interface DialectLine {
  readonly model: string;
  /** What is charged now; its output grows while the answer is being produced. */
  charge: Charge;
  state: "open" | "complete" | "cut";
}

/** Pico-dollars for one token: 1 USD per million tokens is 1,000,000. */
type Price = Readonly<Record<keyof Charge, bigint>>;

function price(input: bigint, output: bigint, cacheRead: bigint, write5m = input): Price {
  return { input, output, cacheRead, write5m, write1h: write5m };
}

function claude(input: bigint, cacheRead: bigint): Price {
  const write5m = (5n * input) / 4n;
  return { ...price(input, 5n * input, cacheRead, write5m), write1h: 2n * input };
}

const PRICES: Readonly<Record<string, Price>> = {
  "gpt-5.2": price(1_750_000n, 14_000_000n, 175_000n),
  "gpt-5-mini": price(250_000n, 2_000_000n, 25_000n),
  "gpt-5.6-terra": price(2_000_000n, 12_000_000n, 200_000n, 2_500_000n),
  "gpt-4o": price(2_500_000n, 10_000_000n, 1_250_000n),
  "gemini-3.1-pro-preview": price(2_000_000n, 12_000_000n, 200_000n),
  "gemini-2.5-flash-lite": price(100_000n, 400_000n, 10_000n),
  "claude-opus-5-5": claude(4_000_000n, 200_000n),
  "claude-haiku-5-5": claude(100_000n, 10_000n),
  "deepseek-v4-pro": price(660_000n, 1_980_000n, 22_000n),
};
/** DeepSeek's dear hours, in which everything costs twice as much. */
const DEEPSEEK_PEAK_UTC = new Set([1, 2, 3, 6, 7, 8, 9]);

/** One line's charge in nano-dollars: pico-dollars rounded half up, once. */
export function dialectNano({ model, charge }: DialectLine, now = new Date()): bigint {
  // Bedrock names Claude after the region of its inference profile.
  const name = model.replace(/^global\.anthropic\./, "");
  const found = PRICES[name];
  if (found === undefined) throw new Error(`the dialects' bill has no price for ${model}`);
  const isPeak = name.startsWith("deepseek") && DEEPSEEK_PEAK_UTC.has(now.getUTCHours());
  const classes = Object.keys(charge) as readonly (keyof Charge)[];
  const pico = classes.reduce((sum, each) => sum + BigInt(charge[each]) * found[each], 0n);
  return (2n * pico * (isPeak ? 2n : 1n) + 1000n) / 2000n;
}

/** Collects what one upstream charges. */
export class DialectBill {
  readonly lines: DialectLine[] = [];

  get totalNano(): bigint {
    return this.lines.reduce((sum, line) => sum + dialectNano(line), 0n);
  }
}
