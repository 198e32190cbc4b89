/** Numbers as commands print them: with units, exact where money is concerned. */

const NANO_DIGITS = 9;
const CENT_DIGITS = 2;

/** A decimal of dollars with at least cents and nothing cut off: "1.5" → "$1.50". */
export function dollars(decimal: string): string {
  const sign = decimal.startsWith("-") ? "-" : "";
  const [whole = "0", fraction = ""] = decimal.replace("-", "").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${sign}$${grouped}.${fraction.padEnd(CENT_DIGITS, "0")}`;
}

/** Adds decimals of dollars exactly. */
export function sumDollars(decimals: readonly string[]): string {
  const nano = decimals.reduce((sum, each) => sum + nanoOf(each), 0n);
  const text = nano.toString().padStart(NANO_DIGITS + 1, "0");
  return `${text.slice(0, -NANO_DIGITS)}.${text.slice(-NANO_DIGITS)}`.replace(/\.?0+$/, "");
}

function nanoOf(decimal: string): bigint {
  const [whole = "0", fraction = ""] = decimal.split(".");
  return BigInt(whole + fraction.padEnd(NANO_DIGITS, "0"));
}

/** 1234567 → "1,234,567". */
export function counted(value: number): string {
  return value.toLocaleString("en-US");
}

/** "1 line", "2 lines": `noun` takes an s. */
export function counting(count: number, noun: string): string {
  return `${counted(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** An RFC 3339 time to the minute, in UTC; "—" where there is none. */
export function minute(time: string | null): string {
  return time === null ? "—" : `${time.slice(0, 16).replace("T", " ")}Z`;
}
