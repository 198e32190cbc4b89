/** Numbers as commands print them: with units, exact where money is concerned. */

const NANO_DIGITS = 9;
const CENT_DIGITS = 2;
const SHORT_DIGITS = 4;
const NANO_PER_UNIT = 100_000n;
const COUNTED_IN_FULL = 99_999;

/** A decimal of dollars with at least cents and nothing cut off: "1.5" → "$1.50". */
export function dollars(decimal: string): string {
  const sign = decimal.startsWith("-") ? "-" : "";
  const [whole = "0", fraction = ""] = decimal.replace("-", "").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${sign}$${grouped}.${fraction.padEnd(CENT_DIGITS, "0")}`;
}

/** Dollars to the hundredth of a cent, for tables: "$0.0505"; a smaller amount is not shown as none. */
export function shortDollars(decimal: string): string {
  const nano = nanoOf(decimal);
  if (nano > 0n && nano < NANO_PER_UNIT) return "<$0.0001";
  const units = (nano + NANO_PER_UNIT / 2n) / NANO_PER_UNIT;
  const text = units.toString().padStart(SHORT_DIGITS + 1, "0");
  return dollars(`${text.slice(0, -SHORT_DIGITS)}.${text.slice(-SHORT_DIGITS)}`);
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

/** Tokens as tables show them: in full up to 99,999, then with three digits ("1.23M"). */
export function shortCount(value: number): string {
  if (value <= COUNTED_IN_FULL) return counted(value);
  const format = { notation: "compact", maximumSignificantDigits: 3 } as const;
  return new Intl.NumberFormat("en-US", format).format(value);
}

/** "1 line", "2 lines": `noun` takes an s. */
export function counting(count: number, noun: string): string {
  return `${counted(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** An RFC 3339 time to the minute, in UTC; "—" where there is none. */
export function minute(time: string | null): string {
  return time === null ? "—" : `${time.slice(0, 16).replace("T", " ")}Z`;
}
