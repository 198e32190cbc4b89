/** Turns a Messages API `usage` object into what is billed; never guesses at a figure that is odd. */
import { NO_USAGE, USAGE_FIELDS } from "../../core/usage.ts";
import type { BilledPass, BilledUsage, Usage } from "../../core/usage.ts";
import { isObject } from "./value.ts";

type RawUsage = Readonly<Record<string, unknown>>;

/** No answer has more; whatever claims so is an error of the upstream. */
const COUNT_MAX = 1e12;

/** A figure that is neither a count nor missing. */
class UnreadableUsage extends Error {}

function count(raw: RawUsage, name: string): number {
  const value = raw[name];
  if (value === undefined || value === null) return 0;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > COUNT_MAX) {
    throw new UnreadableUsage(name);
  }
  return value + 0;
}

function part(raw: RawUsage, name: string): RawUsage {
  const value = raw[name];
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new UnreadableUsage(name);
  return value;
}

function text(raw: RawUsage, name: string): string | null {
  const value = raw[name];
  return typeof value === "string" ? value : null;
}

/** A total that its parts do not reach went to 5-minute writes, unless all parts are 1-hour ones. */
function cacheWrites(raw: RawUsage): { readonly written5m: number; readonly written1h: number } {
  const parts = part(raw, "cache_creation");
  const written5m = count(parts, "ephemeral_5m_input_tokens");
  const written1h = count(parts, "ephemeral_1h_input_tokens");
  const rest = Math.max(count(raw, "cache_creation_input_tokens") - written5m - written1h, 0);
  const isAll1h = written1h > 0 && written5m === 0;
  return {
    written5m: written5m + (isAll1h ? 0 : rest),
    written1h: written1h + (isAll1h ? rest : 0),
  };
}

function usageOf(raw: RawUsage): Usage {
  if (typeof raw["input_tokens"] !== "number") throw new UnreadableUsage("input_tokens");
  const { written5m, written1h } = cacheWrites(raw);
  const outputTokens = count(raw, "output_tokens");
  const thinkingTokens = count(part(raw, "output_tokens_details"), "thinking_tokens");
  return {
    input_tokens: count(raw, "input_tokens"),
    output_tokens: outputTokens,
    thinking_tokens: Math.min(thinkingTokens, outputTokens),
    cache_read_input_tokens: count(raw, "cache_read_input_tokens"),
    cache_write_5m_input_tokens: written5m,
    cache_write_1h_input_tokens: written1h,
    web_search_requests: count(part(raw, "server_tool_use"), "web_search_requests"),
  };
}

const SAMPLING = new Set<unknown>(["message", "fallback_message"]);

/**
 * The passes of `usage.iterations`. One that wrote nothing was refused, if another model or pass went on
 * after it or the whole answer is a refusal; a last one without output may have been asked for none.
 */
function passesOf(iterations: readonly unknown[], isRefusal: boolean): BilledPass[] {
  const entries = iterations.map((entry) => {
    if (!isObject(entry)) throw new UnreadableUsage("iterations");
    return entry;
  });
  const last = entries.findLastIndex((entry) => SAMPLING.has(entry["type"]));
  return entries.map((entry, index) => {
    const usage = usageOf(entry);
    const isRefused =
      entry["stop_reason"] === "refusal" ||
      (SAMPLING.has(entry["type"]) && (index < last || (index === last && isRefusal)));
    return { model: text(entry, "model"), usage, free: isRefused && usage.output_tokens === 0 };
  });
}

function sumOf(passes: readonly BilledPass[]): Usage {
  const sum = { ...NO_USAGE };
  for (const { usage } of passes) {
    for (const field of USAGE_FIELDS) sum[field] += usage[field];
  }
  return sum;
}

/** Searches are told for the whole request only: the last pass that is charged carries them. */
function withSearches(passes: readonly BilledPass[], searches: number): BilledPass[] {
  const charged = passes.findLastIndex((pass) => !pass.free);
  const carrier = charged === -1 ? passes.length - 1 : charged;
  const missing = Math.max(searches - sumOf(passes).web_search_requests, 0);
  return passes.map((pass, index) => {
    if (index !== carrier || missing === 0) return pass;
    const { usage } = pass;
    return {
      ...pass,
      usage: { ...usage, web_search_requests: usage.web_search_requests + missing },
    };
  });
}

/**
 * What a `usage` object bills for. With `iterations`, the sum over them, each at its own model.
 *
 * @returns null where a count is negative, fractional, above 10^12 or no number, or the input is missing:
 * the caller settles as for an unknown outcome.
 */
export function billedOf(usage: unknown, stopReason: string | null): BilledUsage | null {
  if (!isObject(usage)) return null;
  try {
    const isRefusal = stopReason === "refusal";
    const words = {
      speed: text(usage, "speed"),
      inferenceGeo: text(usage, "inference_geo"),
      serviceTier: text(usage, "service_tier"),
    };
    const whole = usageOf(usage);
    const iterations = usage["iterations"];
    if (
      iterations === undefined ||
      iterations === null ||
      (Array.isArray(iterations) && iterations.length === 0)
    ) {
      const free = isRefusal && whole.output_tokens === 0;
      return { usage: whole, passes: [{ model: null, usage: whole, free }], ...words };
    }
    if (!Array.isArray(iterations)) return null;
    const passes = withSearches(passesOf(iterations, isRefusal), whole.web_search_requests);
    const sum = sumOf(passes);
    // Thinking of several passes is told for the whole answer only.
    const thinkingTokens = Math.min(
      Math.max(sum.thinking_tokens, whole.thinking_tokens),
      sum.output_tokens,
    );
    return { usage: { ...sum, thinking_tokens: thinkingTokens }, passes, ...words };
  } catch (error) {
    if (error instanceof UnreadableUsage) return null;
    throw error;
  }
}
