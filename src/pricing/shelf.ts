/** All that is said about the prices at one kind of provider, model by model and by date. */
import { inForce } from "./dated.ts";
import { assumedPrice, cachingUnasked, dearestPrice, freePrice } from "./dearest.ts";
import { listedPrices, type ListedPrice, type PeakPrice } from "./listed.ts";
import { overriddenPrice, overrideRates, type DatedOverride } from "./overridden.ts";
import type { PriceOverride } from "./override.ts";
import type { ModelPrice } from "./price.ts";
import { claudeIdOf, isRegionalId, regionalPrice, regionalRows } from "./reseller.ts";
import { PRICE_TABLE, type PriceRow } from "./table.ts";
import { PROVIDER_TABLES } from "./tables/all.ts";
import { SELF_HOSTED_KINDS } from "./tables/self-hosted.ts";

/** All that is said about one model. */
export interface Statements {
  /** One list for each name of the model, the most specific first. */
  readonly overrides: readonly (readonly DatedOverride[])[];
  readonly rows: readonly ListedPrice[];
}

export interface Segment {
  readonly fromMs: number;
  readonly price: ModelPrice;
  readonly peak: PeakPrice | null;
}

export interface Shelf {
  readonly dearest: ModelPrice;
  readonly statementsOn: (model: string) => Statements;
  /** In the order of time, the first from the beginning of it. */
  readonly timelineOf: (model: string) => readonly Segment[];
  readonly known: (model: string) => boolean;
  /** Models that the list of this kind names, each once. */
  readonly listed: readonly string[];
}

/** What the configuration states, whatever the kind. */
export interface Stated {
  readonly byModel: ReadonlyMap<string, readonly DatedOverride[]>;
  readonly all: readonly DatedOverride[];
}

/** Kinds that serve nothing but Claude, in Anthropic's own format: only markers write to their caches. */
const CLAUDE_ALONE = new Set(["anthropic", "claude-platform-aws", "azure-foundry", "rehearsal"]);
/** Kinds with a table of their own that serve Claude besides. */
const CLAUDE_TOO = new Set(["bedrock", "vertex", "openrouter", "databricks"]);
const WIRE_PREFIX = "claude-";
const WINDOW_SUFFIX = "[1m]";
const ANTHROPIC = listedPrices(PRICE_TABLE);

/**
 * The shelf of a kind.
 *
 * @param kind Null: Anthropic's own, as where no kind is asked for.
 */
export function shelfOf(kind: string | null, stated: Stated): Shelf {
  const own = tableRowsOf(kind);
  const listed = listedPrices(own);
  const isFree = kind !== null && SELF_HOSTED_KINDS.has(kind);
  const cachesUnasked = kind !== null && !CLAUDE_ALONE.has(kind);
  const rowsOf = (model: string): readonly ListedPrice[] => {
    if (isFree) return [];
    const names = namesAt(kind, model);
    const found = names.map((name) => listed.get(name)).find((rows) => rows !== undefined);
    if (found !== undefined) return found;
    const rows = names.map((name) => ANTHROPIC.get(name)).find((each) => each !== undefined) ?? [];
    return kind !== null && isRegionalId(kind, model) ? regionalRows(rows) : rows;
  };
  const statementsOn = (model: string): Statements => ({
    overrides: namesAt(kind, model).map((name) => stated.byModel.get(name) ?? []),
    rows: rowsOf(model),
  });
  const dearest = dearestAt(kind, [...listed.values()].flat(), { stated, rowsOf });
  const unlisted = isFree ? freePrice : assumedPrice;
  return {
    dearest: isFree && stated.all.length === 0 ? freePrice("dearest", dearest) : dearest,
    statementsOn,
    timelineOf: (model) =>
      buildTimeline(statementsOn(model), {
        unlisted: unlisted(model, dearest),
        overridden: (override, base) => overriddenPrice(override, { base, dearest, cachesUnasked }),
      }),
    known: (model) =>
      isFree ||
      rowsOf(model).length > 0 ||
      namesAt(kind, model).some((name) => stated.byModel.has(name)),
    listed: [...new Set(own.map((row) => row.model))],
  };
}

function tableRowsOf(kind: string | null): readonly PriceRow[] {
  if (kind === null) return [];
  const table = PROVIDER_TABLES.find(({ kinds }) => kinds.includes(kind));
  if (table === undefined) return [];
  const { source, checkedOn } = table;
  return table.rows.map((row) => ({
    ...row,
    from: row.from ?? checkedOn,
    webSearchPerThousand: "0",
    cachesUnasked: true,
    source,
    checkedOn,
  }));
}

function dearestAt(
  kind: string | null,
  own: readonly ListedPrice[],
  rest: { readonly stated: Stated; readonly rowsOf: (model: string) => readonly ListedPrice[] },
): ModelPrice {
  const anthropic = [...ANTHROPIC.values()].flat().map(({ price }) => price);
  const isRegional = kind !== null && isRegionalId(kind, "");
  const servesClaude = own.length === 0 || (kind !== null && CLAUDE_TOO.has(kind));
  const prices = [
    ...own.flatMap(({ price, peak }) => (peak === null ? [price] : [price, peak.price])),
    ...(servesClaude ? anthropic : []),
    ...(isRegional ? anthropic.map(regionalPrice) : []),
  ];
  const overridden = rest.stated.all.map(({ override }) =>
    overrideRates(override, rest.rowsOf(override.model).at(-1)?.price.rates ?? null),
  );
  const dearest = dearestPrice(prices, overridden);
  return own.length === 0 ? dearest : cachingUnasked(dearest);
}

/** The names under which a model may stand in table or file, the most specific first. */
function namesAt(kind: string | null, model: string): readonly string[] {
  if (kind === null) return namesOf(model);
  const names = new Set(namesOf(model));
  names.add(model.replace(/-\d{4}-\d{2}-\d{2}$/, ""));
  names.add(model.replace(/^(?:us|eu|apac|jp|au|ca|us-gov)\./, ""));
  const claude = claudeIdOf(model);
  if (claude !== null) for (const name of namesOf(claude)) names.add(name);
  return [...[...names].map((name) => `${kind}/${name}`), ...names];
}

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
  statements: Statements,
  prices: {
    readonly unlisted: ModelPrice;
    readonly overridden: (override: PriceOverride, base: ModelPrice | null) => ModelPrice;
  },
): readonly Segment[] {
  const starts = new Set([-Infinity]);
  for (const { fromMs } of [...statements.rows, ...statements.overrides.flat()]) starts.add(fromMs);
  return [...starts]
    .toSorted((a, b) => a - b)
    .map((fromMs) => {
      const { override, row } = rulingAt(statements, fromMs);
      if (override !== null) {
        const price = prices.overridden(override.override, row?.price ?? null);
        return { fromMs, price, peak: null };
      }
      return { fromMs, price: row?.price ?? prices.unlisted, peak: row?.peak ?? null };
    });
}

/** The override and the row in force. A model's first row also covers the time before it. */
export function rulingAt(
  { overrides, rows }: Statements,
  atMs: number,
): { readonly override: DatedOverride | null; readonly row: ListedPrice | null } {
  const inForceByName = overrides.map((entries) => inForce(entries, atMs));
  return {
    override: inForceByName.find((entry) => entry !== undefined) ?? null,
    row: inForce(rows, atMs) ?? rows[0] ?? null,
  };
}
