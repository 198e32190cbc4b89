/** Sums usage by any of its dimensions and by hour or day, exactly, for any range of time. */
import { sql } from "kysely";
import type { Kysely, RawBuilder, Selectable } from "kysely";
import { formatTime } from "../core/time.ts";
import { USAGE_FIELDS } from "../core/usage.ts";
import type { Usage } from "../core/usage.ts";
import type { UsageColumns, ViewsTables } from "../store/schema.ts";
import { intervalsOf } from "./intervals.ts";
import type { Interval, Range } from "./intervals.ts";
import { quarterOf, QUARTER_MS } from "./quarter-sums.ts";
import { usageOf, usdText } from "./rows.ts";

export const GROUP_COLUMNS = [
  "customer",
  "team",
  "owner",
  "virtual_key",
  "provider",
  "model",
  "task_type",
  "session",
  "agent",
] as const;

/** What usage can be grouped by; a label by its name. */
export type GroupName = (typeof GROUP_COLUMNS)[number] | `label:${string}`;

export interface UsageQuery {
  readonly groupBy: readonly GroupName[];
  /** Unix milliseconds, from ≤ time < to; missing or undefined: everything. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly interval: "hour" | "day" | null;
  /** IANA name; it decides where hours and days begin. */
  readonly timeZone: string;
}

/** Besides these, a field for each name of `groupBy`: its value, or null. */
export interface UsageGroup {
  readonly [name: string]: string | number | Usage | null;
  /** Ended requests, refused ones included. */
  readonly requests: number;
  readonly usage: Usage;
  readonly cost_usd: string;
}

type Db = Kysely<ViewsTables>;

/** One group's sums as SQL gives them; group values are `g0`, `g1`… */
type Sums = Selectable<UsageColumns> & {
  readonly [group: `g${number}`]: string | null;
  readonly start: bigint;
  requests: bigint;
  cost_nano: bigint;
};

/**
 * Usage of a range, a group for each combination of values that occurs.
 *
 * Everything counts at its request's time (the first admission), charges at the provider and model
 * of their attempt, a request at those of its last one. Charges of requests that still run are in.
 * Ordered by start, then by cost, the highest first. Without groups and interval there is always
 * exactly one group.
 *
 * @throws RangeError where the time zone is unknown.
 */
export async function sumUsage(db: Db, query: UsageQuery): Promise<readonly UsageGroup[]> {
  const range = await rangeOf(db, query);
  const intervals = range === null ? [] : cut(range, query);
  const found: Sums[] = [];
  if (intervals.length > 0) {
    const { whole, edges } = split(intervals);
    found.push(...(await sumQuarters(db, query.groupBy, whole)));
    for (const edge of edges) {
      found.push(...(await sumCharges(db, query.groupBy, edge)));
      found.push(...(await countRequests(db, query.groupBy, edge)));
    }
  }
  const groups = merge(found, query.groupBy.length);
  if (groups.length === 0 && query.groupBy.length === 0 && query.interval === null) {
    groups.push(NOTHING);
  }
  return groups.toSorted(byStartAndCost).map((sums) => print(sums, query));
}

/** The range asked for, cut to where there is anything; null where there is nothing. */
async function rangeOf(db: Db, query: UsageQuery): Promise<Range | null> {
  const { first, last } = await db
    .selectFrom("usage_quarters")
    .select((eb) => [eb.fn.min("quarter_ms").as("first"), eb.fn.max("quarter_ms").as("last")])
    .executeTakeFirstOrThrow();
  if (first === null || last === null) return null;
  const fromMs = Math.max(query.fromMs ?? Number.NEGATIVE_INFINITY, Number(first));
  const toMs = Math.min(query.toMs ?? Number.POSITIVE_INFINITY, Number(last) + QUARTER_MS);
  return fromMs < toMs ? { fromMs, toMs } : null;
}

function cut(range: Range, query: UsageQuery): readonly Interval[] {
  if (query.interval === null) return [{ ...range, startMs: range.fromMs }];
  return intervalsOf(range, query.interval, query.timeZone);
}

/** Whole quarters are in the roll-ups; what is left at either end comes from the rows themselves. */
function split(intervals: readonly Interval[]): { whole: Interval[]; edges: Interval[] } {
  const whole: Interval[] = [];
  const edges: Interval[] = [];
  for (const interval of intervals) {
    const { fromMs, toMs } = interval;
    const firstMs = quarterOf(fromMs + QUARTER_MS - 1);
    const lastMs = quarterOf(toMs);
    if (firstMs > lastMs) {
      edges.push(interval);
      continue;
    }
    if (firstMs < lastMs) whole.push({ ...interval, fromMs: firstMs, toMs: lastMs });
    if (fromMs < firstMs) edges.push({ ...interval, toMs: firstMs });
    if (lastMs < toMs) edges.push({ ...interval, fromMs: lastMs });
  }
  return { whole, edges };
}

async function sumQuarters(
  db: Db,
  groupBy: readonly GroupName[],
  intervals: readonly Interval[],
): Promise<Sums[]> {
  const pieces = JSON.stringify(intervals.map((each) => [each.startMs, each.fromMs, each.toMs]));
  const { columns, joins, groups } = grouping(groupBy);
  // A cross join keeps the order of its tables: for each interval one walk along the key.
  const query = sql<Sums>`
    SELECT interval.value ->> 0 AS start, ${columns} sum(source.requests) AS requests, ${ALL_SUMS}
    FROM json_each(${pieces}) AS interval
    CROSS JOIN usage_quarters AS source
      ON source.quarter_ms >= interval.value ->> 1 AND source.quarter_ms < interval.value ->> 2
    JOIN dimensions ON dimensions.id = source.dimension ${joins}
    GROUP BY interval.key ${groups}`;
  return (await query.execute(db)).rows;
}

async function sumCharges(db: Db, groupBy: readonly GroupName[], edge: Interval): Promise<Sums[]> {
  const { columns, joins, groups } = grouping(groupBy);
  const query = sql<Sums>`
    SELECT ${BigInt(edge.startMs)} AS start, ${columns} 0 AS requests, ${ALL_SUMS}
    FROM attempts AS source
    JOIN dimensions ON dimensions.id = source.dimension ${joins}
    WHERE source.request_ms >= ${edge.fromMs} AND source.request_ms < ${edge.toMs}
      AND source.state = 'settled'
    GROUP BY start ${groups}`;
  return (await query.execute(db)).rows;
}

async function countRequests(
  db: Db,
  groupBy: readonly GroupName[],
  edge: Interval,
): Promise<Sums[]> {
  const { columns, joins, groups } = grouping(groupBy);
  const zeros = sql.raw([...USAGE_FIELDS, "cost_nano"].map((field) => `0 AS ${field}`).join(", "));
  const query = sql<Sums>`
    SELECT ${BigInt(edge.startMs)} AS start, ${columns} count(*) AS requests, ${zeros}
    FROM requests AS source
    JOIN dimensions ON dimensions.id = source.dimension ${joins}
    WHERE source.time_ms >= ${edge.fromMs} AND source.time_ms < ${edge.toMs}
    GROUP BY start ${groups}`;
  return (await query.execute(db)).rows;
}

const ALL_SUMS = sql.raw(
  [...USAGE_FIELDS, "cost_nano"].map((field) => `sum(source.${field}) AS ${field}`).join(", "),
);

interface Grouping {
  readonly columns: RawBuilder<unknown>;
  readonly joins: RawBuilder<unknown>;
  readonly groups: RawBuilder<unknown>;
}

function grouping(groupBy: readonly GroupName[]): Grouping {
  const columns: RawBuilder<unknown>[] = [];
  const joins: RawBuilder<unknown>[] = [];
  const groups: RawBuilder<unknown>[] = [];
  for (const [index, name] of groupBy.entries()) {
    const alias = sql.ref(`g${index}`);
    groups.push(sql`, ${alias}`);
    if (name.startsWith("label:")) {
      const label = sql.table(`label${index}`);
      joins.push(sql`LEFT JOIN dimension_labels AS ${label} ON ${label}.dimension = dimensions.id
        AND ${label}.name = ${name.slice("label:".length)}`);
      columns.push(sql`${label}.value AS ${alias},`);
    } else {
      columns.push(sql`${sql.ref(`dimensions.${name}`)} AS ${alias},`);
    }
  }
  const joined = (parts: RawBuilder<unknown>[]) => sql.join(parts, sql` `);
  return { columns: joined(columns), joins: joined(joins), groups: joined(groups) };
}

const NOTHING: Sums = {
  start: 0n,
  requests: 0n,
  input_tokens: 0n,
  output_tokens: 0n,
  thinking_tokens: 0n,
  cache_read_input_tokens: 0n,
  cache_write_5m_input_tokens: 0n,
  cache_write_1h_input_tokens: 0n,
  web_search_requests: 0n,
  cost_nano: 0n,
};

function merge(found: readonly Sums[], groupCount: number): Sums[] {
  const merged = new Map<string, Sums>();
  for (const sums of found) {
    const values = Array.from({ length: groupCount }, (_, index) => sums[`g${index}`] ?? null);
    const key = JSON.stringify([`${sums.start}`, ...values]);
    const known = merged.get(key);
    if (known === undefined) {
      merged.set(key, { ...sums });
      continue;
    }
    known.requests += sums.requests;
    known.cost_nano += sums.cost_nano;
    for (const field of USAGE_FIELDS) known[field] += sums[field];
  }
  return [...merged.values()];
}

function byStartAndCost(left: Sums, right: Sums): number {
  if (left.start !== right.start) return left.start < right.start ? -1 : 1;
  if (left.cost_nano !== right.cost_nano) return left.cost_nano > right.cost_nano ? -1 : 1;
  return Number(right.requests - left.requests);
}

function print(sums: Sums, query: UsageQuery): UsageGroup {
  const group: Record<string, string | null> = {};
  if (query.interval !== null) group["start"] = formatTime(Number(sums.start));
  for (const [index, name] of query.groupBy.entries()) group[name] = sums[`g${index}`] ?? null;
  return {
    ...group,
    requests: Number(sums.requests),
    usage: usageOf(sums),
    cost_usd: usdText(sums.cost_nano),
  };
}
