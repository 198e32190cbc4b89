/** Which price applies to a model at a moment, and why: overrides, then the tables, then assumed. */
import { invariant } from "../core/invariant.ts";
import { inForce } from "./dated.ts";
import { explanationOf, type PriceExplanation } from "./explanation.ts";
import { isPeak } from "./listed.ts";
import { overridesByModel } from "./overridden.ts";
import type { PriceOverride } from "./override.ts";
import type { ModelPrice } from "./price.ts";
import { shelfOf, type Segment, type Shelf } from "./shelf.ts";
import { PRICE_TABLE } from "./table.ts";

export type { PriceExplanation } from "./explanation.ts";

export interface PriceBook {
  /**
   * The price of a model as named on the wire at `atMs` (Unix milliseconds): Anthropic's (`claude-` + a
   * name of the table, then optionally `-YYYYMMDD` or `[1m]`) or one in a table. Never fails: an
   * unknown model is `assumed`. The same object for as long as the same price applies; two map
   * look-ups.
   *
   * @param kind The provider's kind: its own table comes first then, and overrides of `kind/model`
   * before those of the model. Left out: Anthropic's.
   */
  readonly resolve: (modelOnWire: string, atMs: number, kind?: string) => ModelPrice;
  /** True where the table or an override of any date names the model. */
  readonly known: (model: string, kind?: string) => boolean;
  /** The table's names without `claude-`, then the models that only overrides name, as written. */
  readonly names: () => readonly string[];
  /** The same models as a client sends them; with a kind those of its own table alone. */
  readonly wireIds: (kind?: string) => readonly string[];
  /** A price that none of Anthropic's can exceed: for a model that the provider chooses. */
  readonly dearest: ModelPrice;
  /** The same for a kind of provider. */
  readonly dearestOf: (kind?: string) => ModelPrice;
  /** What `tollgate prices` shows: the price in force and everything that competes with it. */
  readonly explain: (model: string, atMs: number, kind?: string) => PriceExplanation;
}

/** A shelf, and what was looked up in it before. */
interface Section {
  readonly shelf: Shelf;
  readonly timelines: Map<string, readonly Segment[]>;
}

const WIRE_PREFIX = "claude-";
/** Model names come from clients: without an end they would fill the memory. */
const TIMELINES_MAX = 4096;

/**
 * A book of the project's tables with the configuration's overrides on them.
 *
 * @throws InvariantBroken where an override's price or date is malformed; `picoPerToken` tells
 * beforehand which prices can be said.
 */
export function createPriceBook(overrides: readonly PriceOverride[]): PriceBook {
  const byModel = overridesByModel(overrides);
  const stated = { byModel, all: [...byModel.values()].flat() };
  const open = (kind: string | null): Section => ({
    shelf: shelfOf(kind, stated),
    timelines: new Map(),
  });
  const anthropic = open(null);
  // Kinds come from the catalogue: there are as many as it has.
  const sections = new Map<string, Section>();
  const sectionOf = (kind: string | undefined): Section => {
    if (kind === undefined) return anthropic;
    const known = sections.get(kind);
    if (known !== undefined) return known;
    const section = open(kind);
    sections.set(kind, section);
    return section;
  };
  const resolve = (model: string, atMs: number, kind?: string): ModelPrice => {
    const section = sectionOf(kind);
    const segment = inForce(section.timelines.get(model) ?? timelineOf(section, model), atMs);
    invariant(segment !== undefined, "every model has a price at every moment");
    const { peak } = segment;
    return peak !== null && isPeak(peak, atMs) ? peak.price : segment.price;
  };

  const tableNames = [...new Set(PRICE_TABLE.map((row) => row.model))];
  const isAdded = (model: string): boolean => anthropic.shelf.statementsOn(model).rows.length === 0;
  const added = [...byModel.keys()].filter(isAdded);
  return {
    resolve,
    known: (model, kind) => sectionOf(kind).shelf.known(model),
    names: () => [...tableNames, ...added],
    wireIds: (kind) =>
      kind === undefined
        ? [...tableNames.map((name) => WIRE_PREFIX + name), ...added]
        : sectionOf(kind).shelf.listed,
    dearest: anthropic.shelf.dearest,
    dearestOf: (kind) => sectionOf(kind).shelf.dearest,
    explain: (model, atMs, kind) => {
      const statements = sectionOf(kind).shelf.statementsOn(model);
      return explanationOf(resolve(model, atMs, kind), statements, atMs);
    },
  };
}

function timelineOf({ shelf, timelines }: Section, model: string): readonly Segment[] {
  if (timelines.size >= TIMELINES_MAX) timelines.clear();
  const timeline = shelf.timelineOf(model);
  timelines.set(model, timeline);
  return timeline;
}
