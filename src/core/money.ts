/** US dollars as exact integers: parsing, printing, and the one rounding rule. */

/** US dollars × 10⁻⁹. The unit of every budget, hold, cost and journal amount. */
export type NanoUsd = bigint & { readonly unit: "nano-usd" };

/** US dollars × 10⁻¹² for one token. $0.05 per million tokens is 50 000 pico-dollars: exact. */
export type PicoUsdPerToken = bigint & { readonly unit: "pico-usd-per-token" };

const NANO_DIGITS = 9;
const PICO_PER_NANO = 1000n;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/** Brands an integer number of nano-dollars. */
export function nanoUsd(amount: bigint): NanoUsd {
  return amount as NanoUsd;
}

/**
 * Reads a decimal string of US dollars with up to nine decimals ("0.001234567").
 *
 * @returns null where the text is no such number: exponents, signs other than a leading minus and
 * a tenth decimal are refused rather than rounded.
 */
export function parseUsd(text: string): NanoUsd | null {
  const match = DECIMAL.exec(text);
  const fraction = match?.[3] ?? "";
  if (match === null || fraction.length > NANO_DIGITS) return null;
  const magnitude = BigInt((match[2] ?? "") + fraction.padEnd(NANO_DIGITS, "0"));
  return nanoUsd(match[1] === "-" ? -magnitude : magnitude);
}

/** Prints nano-dollars as a decimal string of US dollars without trailing zeros: "30", "0.05". */
export function formatUsd(amount: NanoUsd): string {
  const magnitude = amount < 0n ? -amount : amount;
  const digits = magnitude.toString().padStart(NANO_DIGITS + 1, "0");
  const fraction = digits.slice(-NANO_DIGITS).replace(/0+$/, "");
  const whole = digits.slice(0, -NANO_DIGITS);
  return `${amount < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Rounds pico-dollars up to nano-dollars: for bounds, which may never be too small. */
export function roundUp(pico: bigint): NanoUsd {
  return nanoUsd((pico + PICO_PER_NANO - 1n) / PICO_PER_NANO);
}
