/**
 * The upstream's own bill: what a real provider would charge, in integers, from its own copy of the
 * few prices that tests use. It shares no code with the product, because it is the judge of it.
 */

/** Token counts as the Messages API reports them. Missing counts are zero. */
export interface WireUsage {
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens?: number;
  cache_creation_input_tokens?: number;
  /** Without it, all cache creation is of the 5-minute kind. */
  cache_creation?: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number };
  output_tokens_details?: { thinking_tokens: number };
  server_tool_use?: { web_search_requests: number; web_fetch_requests: number };
  service_tier?: string;
  speed?: string;
  inference_geo?: string;
  /** Sampling passes, each charged at its own model; the counts above are then not charged. */
  iterations?: readonly (WireUsage & { type: string; model?: string | null })[];
}

export interface BillLine {
  /** The `request-id` that the upstream answered with. */
  readonly requestId: string;
  readonly model: string;
  /** Hex SHA-256 of the request body as received. */
  readonly bodySha256: string;
  /** The client's session header, where it sent one: the tests' key to match rows with lines. */
  readonly session: string | null;
  /** What is charged now; grows while an answer is being produced. */
  usage: WireUsage;
  /** `open` while the answer is produced, then whether all of it was. */
  state: "open" | "complete" | "cut";
}

/** Pico-dollars for one token: 1 USD per million tokens is 1,000,000. */
interface Price {
  readonly input: bigint;
  readonly output: bigint;
  readonly cacheRead: bigint;
  readonly write5m: bigint;
  readonly write1h: bigint;
}

const WEB_SEARCH_PICO = 10_000_000_000n;
const LONG_PROMPT_TOKENS = 100_000;
const SONNET_READ_CUT_MS = Date.UTC(2026, 9, 7);

const OPUS_5_5: Price = {
  input: 4_000_000n,
  output: 20_000_000n,
  cacheRead: 200_000n,
  write5m: 5_000_000n,
  write1h: 8_000_000n,
};
const OPUS_4_8: Price = {
  input: 5_000_000n,
  output: 25_000_000n,
  cacheRead: 500_000n,
  write5m: 6_250_000n,
  write1h: 10_000_000n,
};
const FABLE_5_2: Price = {
  input: 8_000_000n,
  output: 40_000_000n,
  cacheRead: 200_000n,
  write5m: 10_000_000n,
  write1h: 16_000_000n,
};
const SONNET_5_5: Price = {
  input: 2_000_000n,
  output: 10_000_000n,
  cacheRead: 100_000n,
  write5m: 2_500_000n,
  write1h: 4_000_000n,
};
const SONNET_5_5_BEFORE: Price = {
  input: 2_000_000n,
  output: 10_000_000n,
  cacheRead: 200_000n,
  write5m: 2_500_000n,
  write1h: 4_000_000n,
};
const HAIKU_5_5: Price = {
  input: 100_000n,
  output: 500_000n,
  cacheRead: 10_000n,
  write5m: 125_000n,
  write1h: 200_000n,
};
const HAIKU_5_5_LONG: Price = {
  input: 500_000n,
  output: 2_500_000n,
  cacheRead: 50_000n,
  write5m: 625_000n,
  write1h: 1_000_000n,
};

/** Collects what is charged, one line for each request that a provider would bill. */
export class Bill {
  readonly lines: BillLine[] = [];

  /** The whole bill in nano-dollars as of now, answers in production included. */
  get totalNano(): bigint {
    return this.lines.reduce((sum, line) => sum + lineNano(line), 0n);
  }

  /** The charges of all lines in a state that are above zero, in nano-dollars. */
  chargesOf(state: BillLine["state"]): bigint[] {
    const charges = this.lines.filter((line) => line.state === state).map((line) => lineNano(line));
    return charges.filter((nano) => nano > 0n);
  }
}

/** One line's charge in nano-dollars: pico-dollars rounded half up, once. */
export function lineNano(line: BillLine, nowMs: number = Date.now()): bigint {
  const { usage, model } = line;
  const passes = usage.iterations ?? [usage];
  const tokensPico = passes.reduce((sum, pass) => {
    const named = "model" in pass && typeof pass.model === "string" ? pass.model : model;
    return sum + passPico(named, pass, nowMs);
  }, 0n);
  const fast = usage.speed === "fast" ? 2n : 1n;
  const [up, down] = usage.inference_geo === "us" ? [11n, 10n] : [1n, 1n];
  const searches = BigInt(usage.server_tool_use?.web_search_requests ?? 0);
  // One fraction until the end, so that only one rounding happens.
  const numerator = tokensPico * fast * up + searches * WEB_SEARCH_PICO * down;
  return (2n * numerator + 1000n * down) / (2000n * down);
}

/** Prints nano-dollars as the product's API does: "0.00125", "30". */
export function usdText(nano: bigint): string {
  const digits = (nano < 0n ? -nano : nano).toString().padStart(10, "0");
  const fraction = digits.slice(-9).replace(/0+$/, "");
  return `${nano < 0n ? "-" : ""}${digits.slice(0, -9)}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Reads a decimal string of US dollars as nano-dollars; throws where it is none. */
export function nanoOf(usd: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(usd);
  if (match === null) throw new Error(`not an amount of US dollars: ${JSON.stringify(usd)}`);
  const magnitude = BigInt((match[2] ?? "") + (match[3] ?? "").padEnd(9, "0"));
  return match[1] === "-" ? -magnitude : magnitude;
}

function passPico(model: string, usage: WireUsage, nowMs: number): bigint {
  const read = usage.cache_read_input_tokens ?? 0;
  const written = usage.cache_creation_input_tokens ?? 0;
  const write1h = usage.cache_creation?.ephemeral_1h_input_tokens ?? 0;
  const write5m = usage.cache_creation?.ephemeral_5m_input_tokens ?? written - write1h;
  const prompt = usage.input_tokens + read + write5m + write1h;
  const per = priceOf(model, prompt, nowMs);
  return (
    BigInt(usage.input_tokens) * per.input +
    BigInt(usage.output_tokens) * per.output +
    BigInt(read) * per.cacheRead +
    BigInt(write5m) * per.write5m +
    BigInt(write1h) * per.write1h
  );
}

function priceOf(model: string, promptTokens: number, nowMs: number): Price {
  const name = model.replace(/^claude-/, "").replace(/(-\d{8}|\[1m\])$/, "");
  switch (name) {
    case "opus-5-5":
      return OPUS_5_5;
    case "opus-4-8":
    case "opus-4-6":
    case "opus-4-5":
      return OPUS_4_8;
    case "fable-5-2":
      return FABLE_5_2;
    case "sonnet-5-5":
      return nowMs < SONNET_READ_CUT_MS ? SONNET_5_5_BEFORE : SONNET_5_5;
    case "haiku-5-5":
      return promptTokens > LONG_PROMPT_TOKENS ? HAIKU_5_5_LONG : HAIKU_5_5;
    default:
      throw new Error(`the upstream's bill has no price for ${JSON.stringify(model)}`);
  }
}
