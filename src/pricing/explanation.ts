/** Why a model costs what it costs: everything that is said about it, and what applies. */
import { isPeak, type PeakPrice } from "./listed.ts";
import { overrideRates } from "./overridden.ts";
import type { ModelPrice, Rates } from "./price.ts";
import { rulingAt, type Statements } from "./shelf.ts";

/** One dated row of a table, or one override. */
interface PriceEntry {
  readonly origin: "override" | "table";
  readonly name: string;
  /** YYYY-MM-DD. */
  readonly from: string;
  readonly rates: Rates;
  /** Where the table has it from; null for overrides. */
  readonly source: string | null;
  /** True for the entry that gives the price at the moment asked for. */
  readonly applies: boolean;
}

export interface PriceExplanation {
  readonly price: ModelPrice;
  /** One sentence. */
  readonly why: string;
  /** Overrides first, the most specific name first; by date within a name. */
  readonly entries: readonly PriceEntry[];
}

/** @param price What applies at `atMs` (Unix milliseconds). */
export function explanationOf(
  price: ModelPrice,
  statements: Statements,
  atMs: number,
): PriceExplanation {
  const { override, row } = rulingAt(statements, atMs);
  const base = row?.price.rates ?? null;
  const overridden = statements.overrides.flat().map((entry) => ({
    origin: "override" as const,
    name: entry.override.model,
    from: entry.override.from,
    rates: overrideRates(entry.override, base),
    source: null,
    applies: entry === override,
  }));
  const listed = statements.rows.flatMap((entry) => {
    const { row: written, peak } = entry;
    const rules = override === null && entry === row;
    const inPeak = peak !== null && isPeak(peak, atMs);
    const stands = { origin: "table" as const, from: written.from, source: written.source };
    const usual = { name: written.model, rates: entry.price.rates, applies: rules && !inPeak };
    if (peak === null) return [{ ...stands, ...usual }];
    const dear = { name: peakName(written.model, peak), rates: peak.price.rates };
    return [
      { ...stands, ...usual },
      { ...stands, ...dear, applies: rules && inPeak },
    ];
  });
  return { price, why: whyOf(price, row !== null), entries: [...overridden, ...listed] };
}

/** "deepseek-v4-pro, 01–04 and 06–10 h UTC" */
function peakName(model: string, { hoursUtc }: PeakPrice): string {
  const two = (hour: number): string => String(hour).padStart(2, "0");
  const spans = hoursUtc.map(([from, before]) => `${two(from)}–${two(before)}`);
  return `${model}, ${spans.join(" and ")} h UTC`;
}

function whyOf(price: ModelPrice, isListed: boolean): string {
  switch (price.source) {
    case "override":
      return isListed
        ? `The configuration states it from ${price.from} on, which beats the table; ` +
            "what it leaves out is the table's."
        : `The configuration states it from ${price.from} on; the table does not know the model.`;
    case "listed":
      return price.from === null
        ? "The provider is the operator's own machine: nothing is charged unless the configuration states a price."
        : `The table lists it from ${price.from} on.`;
    case "assumed":
    case "rehearsal":
      return (
        "Neither table nor configuration knows the model: " +
        "it is charged at an assumed price and held at the dearest known."
      );
  }
}
