/** How much of each unit an attempt holds while it runs, and what it leaves behind. */
import type { Usage } from "../core/usage.ts";
import type { Meter, Need, Window } from "./state.ts";
import { levelUnit } from "./window.ts";

/** What an attempt cost in each unit. */
export interface Charge {
  readonly cost: bigint;
  readonly usage: Usage;
  /** What it would have cost under enforcement; left out: the same. */
  readonly shadow?: { readonly cost: bigint; readonly outputTokens: number };
}

/** A rate limit that holds by reservation: of tokens or cost, and of the chain. Accounts count what has settled. */
export function isReserving({ unit, scope }: Pick<Meter, "unit" | "scope">): boolean {
  switch (unit) {
    case "cost":
    case "input_tokens":
    case "output_tokens":
      return scope.type !== "provider_key";
    case "usd":
    case "requests":
    case "concurrent":
      return false;
  }
}

/** Whether any of the windows holds tokens, so that an attempt's tokens have to be known. */
export function holdTokens(windows: readonly Window[]): boolean {
  return windows.some(({ meter }) => meter.unit.endsWith("_tokens") && isReserving(meter));
}

/** Whether holding so much goes over the cap of a window that allows one attempt at a time to do so. */
export function exceedsCap(
  window: Window,
  amount: bigint,
  books: "real" | "shadow" = "real",
): boolean {
  const { cap, overshoot } = window.meter;
  if (cap === null || overshoot === "none") return false;
  const { level, settled, held, shadowSettled, shadowHeld } = window;
  const isReal = books === "real";
  if (level !== null)
    return (isReal ? level.amount : level.shadowAmount) < amount * levelUnit(window.meter);
  return (isReal ? settled + held : shadowSettled + shadowHeld) + amount > cap;
}

/** What an attempt holds in a window of this unit while it runs. */
export function amountHeld({ meter }: Window, { need, tokens }: Need): bigint {
  switch (meter.unit) {
    case "usd":
      return need;
    case "requests":
    case "concurrent":
      return 1n;
    case "cost":
      return isReserving(meter) ? need : 0n;
    case "input_tokens":
      return isReserving(meter) ? BigInt(tokens.input) : 0n;
    case "output_tokens":
      return isReserving(meter) ? BigInt(tokens.output) : 0n;
  }
}

/** What stays in a window of this unit when an attempt has ended. */
export function amountSettled({ meter }: Window, { cost, usage }: Charge): bigint {
  switch (meter.unit) {
    case "usd":
    case "cost":
      return cost;
    case "requests":
      return 1n;
    case "concurrent":
      return 0n;
    case "input_tokens":
      return BigInt(limitedInputTokens(usage));
    case "output_tokens":
      return BigInt(usage.output_tokens);
  }
}

/** Input as rate limits count it: what had to be read anew. Cache reads are not, as at the provider. */
export function limitedInputTokens(usage: Usage): number {
  return usage.input_tokens + usage.cache_write_5m_input_tokens + usage.cache_write_1h_input_tokens;
}
