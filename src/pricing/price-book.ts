/** Which price applies to a model at a moment, and why: overrides, then the table, then assumed. */
import { invariant } from "../core/invariant.ts";
import { inForce } from "./dated.ts";
import { listedPrices, ratesOf } from "./listed.ts";
import type { ListedPrice } from "./listed.ts";
import { overriddenPrice, overrideRates, overridesByModel } from "./overridden.ts";
import type { DatedOverride } from "./overridden.ts";
import type { PriceOverride } from "./override.ts";
import { dearerRates, doubledRates, holdRatesOf } from "./price.ts";
import type { ModelPrice, Rates } from "./price.ts";
import { ASSUMED_PRICES, PRICE_TABLE } from "./table.ts";

export interface PriceBook {
  /**
   * The price of a model as named on the wire (`claude-` + a name of the table, then optionally
   * `-YYYYMMDD` or `[1m]`) or in the table, at `atMs` (Unix milliseconds). Never fails: an unknown
   * model is `assumed`. The same object for as long as the same price applies; one map look-up.
   */
  readonly resolve: (modelOnWire: string, atMs: number) => ModelPrice;
  /** True where the table or an override of any date names the model. */
  readonly known: (model: string) => boolean;
  /** The table's names without `claude-`, then the models that only overrides name, as written. */
  readonly names: () => readonly string[];
  /** The same models as a client sends them. */
  readonly wireIds: () => readonly string[];
  /** A price that none of the provider's can exceed: for a model that the provider chooses. */
  readonly dearest: ModelPrice;
  /** What `tollgate prices` shows: the price in force and everything that competes with it. */
  readonly explain: (model: string, atMs: number) => PriceExplanation;
}

/** One dated row of the table, or one override. */
export interface PriceEntry {
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

/** All that is said about one model. */
interface Statements {
  /** One list for each name of the model, the most specific first. */
  readonly overrides: readonly (readonly DatedOverride[])[];
  readonly rows: readonly ListedPrice[];
}

interface Segment {
  readonly fromMs: number;
  readonly price: ModelPrice;
}

const WIRE_PREFIX = "claude-";
const WINDOW_SUFFIX = "[1m]";
/** Model names come from clients: without an end they would fill the memory. */
const TIMELINES_MAX = 4096;

/**
 * A book of the project's table with the configuration's overrides on it.
 *
 * @throws InvariantBroken where an override's price or date is malformed; `picoPerToken` tells
 * beforehand which prices can be said.
 */
export function createPriceBook(overrides: readonly PriceOverride[]): PriceBook {
  const listed = listedPrices(PRICE_TABLE);
  const stated = overridesByModel(overrides);
  const statementsOn = (model: string): Statements => {
    const names = namesOf(model);
    return {
      overrides: names.map((name) => stated.get(name) ?? []),
      rows: names.map((name) => listed.get(name)).find((rows) => rows !== undefined) ?? [],
    };
  };
  const dearest = dearestPrice(
    [...listed.values()].flat().map(({ price }) => price),
    overrides.map((override) => {
      const rows = statementsOn(override.model).rows;
      return overrideRates(override, rows.at(-1)?.price.rates ?? null);
    }),
  );

  const timelines = new Map<string, readonly Segment[]>();
  const timelineOf = (model: string): readonly Segment[] => {
    if (timelines.size >= TIMELINES_MAX) timelines.clear();
    const timeline = buildTimeline(model, statementsOn(model), dearest);
    timelines.set(model, timeline);
    return timeline;
  };
  const resolve = (model: string, atMs: number): ModelPrice => {
    const segment = inForce(timelines.get(model) ?? timelineOf(model), atMs);
    invariant(segment !== undefined, "every model has a price at every moment");
    return segment.price;
  };

  const tableNames = [...new Set(PRICE_TABLE.map((row) => row.model))];
  const added = [...stated.keys()].filter((model) => statementsOn(model).rows.length === 0);
  return {
    resolve,
    known: (model) => namesOf(model).some((name) => listed.has(name) || stated.has(name)),
    names: () => [...tableNames, ...added],
    wireIds: () => [...tableNames.map((name) => WIRE_PREFIX + name), ...added],
    dearest,
    explain: (model, atMs) => explanation(resolve(model, atMs), statementsOn(model), atMs),
  };
}

/** The names under which a model may stand in table or file, the most specific first. */
function namesOf(model: string): readonly string[] {
  const bare = model.endsWith(WINDOW_SUFFIX) ? model.slice(0, -WINDOW_SUFFIX.length) : model;
  const undated = bare.replace(/-\d{8}$/, "");
  const names = new Set([model, bare, undated]);
  for (const name of [bare, undated]) {
    const isWireId = name.startsWith(WIRE_PREFIX);
    names.add(isWireId ? name.slice(WIRE_PREFIX.length) : WIRE_PREFIX + name);
  }
  return [...names];
}

function buildTimeline(
  model: string,
  statements: Statements,
  dearest: ModelPrice,
): readonly Segment[] {
  const starts = new Set([-Infinity]);
  for (const { fromMs } of [...statements.rows, ...statements.overrides.flat()]) starts.add(fromMs);
  return [...starts]
    .toSorted((a, b) => a - b)
    .map((fromMs) => {
      const { override, row } = rulingAt(statements, fromMs);
      if (override !== null) {
        const price = overriddenPrice(override.override, row?.price ?? null, dearest);
        return { fromMs, price };
      }
      return { fromMs, price: row?.price ?? assumedPrice(model, dearest) };
    });
}

/** The override and the row in force. A model's first row also covers the time before it. */
function rulingAt(
  { overrides, rows }: Statements,
  atMs: number,
): { readonly override: DatedOverride | null; readonly row: ListedPrice | null } {
  const inForceByName = overrides.map((entries) => inForce(entries, atMs));
  return {
    override: inForceByName.find((entry) => entry !== undefined) ?? null,
    row: inForce(rows, atMs) ?? rows[0] ?? null,
  };
}

/** Charged as the reference price of an unknown model, held at the dearest known. */
function assumedPrice(model: string, dearest: ModelPrice): ModelPrice {
  const rates = ratesOf(ASSUMED_PRICES, "an unknown model");
  return { ...dearest, name: model, source: "assumed", rates, fast: null };
}

function dearestPrice(listed: readonly ModelPrice[], overridden: readonly Rates[]): ModelPrice {
  const rates = [
    ...listed.flatMap((price) => [price.rates, price.longContext?.rates ?? price.rates]),
    ...overridden,
  ].reduce((a, b) => dearerRates(a, b), ratesOf(ASSUMED_PRICES, "an unknown model"));
  const fast = listed.reduce(
    (sofar, price) => (price.fast === null ? sofar : dearerRates(sofar, price.fast)),
    doubledRates(rates),
  );
  return {
    name: "dearest",
    source: "listed",
    from: null,
    rates,
    longContext: null,
    fast,
    contextWindowTokens: Math.max(...listed.map((price) => price.contextWindowTokens)),
    maxOutputTokens: Math.max(...listed.map((price) => price.maxOutputTokens)),
    webSearchPico: listed.reduce(
      (sofar, { webSearchPico }) => (webSearchPico > sofar ? webSearchPico : sofar),
      0n,
    ),
    holdRates: holdRatesOf({ rates, longContext: null, fast }),
  };
}

function explanation(price: ModelPrice, statements: Statements, atMs: number): PriceExplanation {
  const { override, row } = rulingAt(statements, atMs);
  const base = row?.price.rates ?? null;
  return {
    price,
    why: whyOf(price, row),
    entries: [
      ...statements.overrides.flat().map((entry) => ({
        origin: "override" as const,
        name: entry.override.model,
        from: entry.override.from,
        rates: overrideRates(entry.override, base),
        source: null,
        applies: entry === override,
      })),
      ...statements.rows.map((entry) => ({
        origin: "table" as const,
        name: entry.row.model,
        from: entry.row.from,
        rates: entry.price.rates,
        source: entry.row.source,
        applies: override === null && entry === row,
      })),
    ],
  };
}

function whyOf(price: ModelPrice, row: ListedPrice | null): string {
  switch (price.source) {
    case "override":
      return row === null
        ? `The configuration states it from ${price.from} on; the table does not know the model.`
        : `The configuration states it from ${price.from} on, which beats the table; ` +
            "what it leaves out is the table's.";
    case "listed":
      return `The table lists it from ${price.from} on.`;
    case "assumed":
    case "rehearsal":
      return (
        "Neither table nor configuration knows the model: " +
        "it is charged at an assumed price and held at the dearest known."
      );
  }
}
