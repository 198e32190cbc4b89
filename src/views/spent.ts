/** What a scope has spent: the opening balance of a budget that is added in mid-window. */
import { sql } from "kysely";
import type { Kysely, RawBuilder } from "kysely";
import { nanoUsd } from "../core/money.ts";
import type { NanoUsd } from "../core/money.ts";
import type { Scope } from "../core/span.ts";
import type { ViewsTables } from "../store/schema.ts";
import { quarterOf } from "./quarter-sums.ts";

export interface SpentQuery {
  /** A provider config's id is `key/provider`, a session's `key/session id` (the client's own). */
  readonly scope: Scope;
  /** Only what this key has spent of it. */
  readonly virtualKey?: string | undefined;
  /** Unix milliseconds: attempts admitted at from ≤ time < to; without `toMs`: until now. */
  readonly fromMs: number;
  readonly toMs?: number | undefined;
  /** Charges and corrections up to this record of the journal, none behind it. */
  readonly uptoSeq: number;
}

type Db = Kysely<ViewsTables>;

/**
 * The settled charges of all attempts that were admitted in the range and whose chain had the scope,
 * as they stood at `uptoSeq`. Open holds are not in it.
 *
 * Before the moment up to which rows were pruned, whole quarters of an hour count.
 */
export async function sumSpent(db: Db, query: SpentQuery): Promise<NanoUsd> {
  const range = { ...query, toMs: query.toMs ?? Number.MAX_SAFE_INTEGER };
  let total = await scalar(db, prunedOf(range));
  // The admission of a first attempt is its request's time; either condition has its own index.
  for (const admitted of [
    sql`attempts.attempt = 1 AND ${within(sql.ref("attempts.request_ms"), range)}`,
    sql`attempts.attempt > 1 AND ${within(sql.ref("attempts.admitted_ms"), range)}`,
  ]) {
    total += await scalar(db, chargesOf(query, admitted));
    total -= await scalar(db, laterCorrectionsOf(query, admitted));
  }
  return nanoUsd(total);
}

/** One session's part; `session` is null for what came without an id. */
export interface SessionSpent {
  readonly virtualKey: string;
  readonly session: string | null;
  readonly spent: NanoUsd;
}

/** The charges of `sumSpent` apart for each session that spent anything; corrections after `uptoSeq` included. */
export async function sumSpentBySession(
  db: Db,
  query: SpentQuery,
): Promise<readonly SessionSpent[]> {
  const range = { ...query, toMs: query.toMs ?? Number.MAX_SAFE_INTEGER };
  const found = sql<{ virtual_key: string; session: string | null; total: bigint }>`
    SELECT dimensions.virtual_key, dimensions.session, sum(attempts.cost_nano) AS total
    FROM attempts JOIN dimensions ON dimensions.id = attempts.dimension
    WHERE ${within(sql.ref("attempts.admitted_ms"), range)} AND attempts.ended_seq <= ${query.uptoSeq} AND ${inScope(range)}
    GROUP BY dimensions.virtual_key, dimensions.session HAVING total > 0`;
  return (await found.execute(db)).rows.map((row) => ({
    virtualKey: row.virtual_key,
    session: row.session,
    spent: nanoUsd(row.total),
  }));
}

/** All virtual keys of which there is any row; none of the others has spent anything. */
export async function listSpenders(db: Db): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("dimensions")
    .select("virtual_key")
    .distinct()
    .where("virtual_key", "is not", null)
    .$narrowType<{ virtual_key: string }>()
    .execute();
  return rows.map((row) => row.virtual_key);
}

type Bounded = SpentQuery & { readonly toMs: number };
type Condition = RawBuilder<unknown>;
type Total = RawBuilder<{ total: bigint | null }>;

async function scalar(db: Db, query: Total): Promise<bigint> {
  return (await query.execute(db)).rows[0]?.total ?? 0n;
}

function within(time: Condition, { fromMs, toMs }: Bounded): Condition {
  return sql`${time} >= ${fromMs} AND ${time} < ${toMs}`;
}

function chargesOf(query: SpentQuery, admitted: Condition): Total {
  return sql`SELECT sum(attempts.cost_nano) AS total
    FROM attempts JOIN dimensions ON dimensions.id = attempts.dimension
    WHERE ${admitted} AND attempts.ended_seq <= ${query.uptoSeq} AND ${inScope(query)}`;
}

function laterCorrectionsOf(query: SpentQuery, admitted: Condition): Total {
  return sql`SELECT sum(corrections.delta_nano) AS total
    FROM corrections
    JOIN attempts ON attempts.request = corrections.request
      AND attempts.attempt = corrections.attempt
    JOIN dimensions ON dimensions.id = attempts.dimension
    WHERE corrections.seq > ${query.uptoSeq} AND attempts.ended_seq <= ${query.uptoSeq}
      AND ${admitted} AND ${inScope(query)}`;
}

function prunedOf(query: Bounded): Total {
  return sql`SELECT sum(usage_quarters.cost_nano) AS total
    FROM usage_quarters JOIN dimensions ON dimensions.id = usage_quarters.dimension
    WHERE usage_quarters.quarter_ms >= ${quarterOf(query.fromMs)}
      AND usage_quarters.quarter_ms < ${query.toMs}
      AND usage_quarters.quarter_ms <
        (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'pruned_before_ms')
      AND ${inScope(query)}`;
}

function inScope({ scope, virtualKey }: SpentQuery): Condition {
  const own = scopeIs(scope);
  if (virtualKey === undefined) return own;
  return sql`${own} AND dimensions.virtual_key = ${virtualKey}`;
}

function scopeIs({ type, id }: Scope): Condition {
  switch (type) {
    case "customer":
    case "team":
    case "owner":
    case "virtual_key":
      return sql`${sql.ref(`dimensions.${type}`)} = ${id}`;
    case "provider_config":
      return sql`dimensions.virtual_key || '/' || dimensions.provider = ${id}`;
    case "session":
      return sql`dimensions.virtual_key || '/' || dimensions.session = ${id}`;
    case "subagent":
      return sql`dimensions.session || '/' || dimensions.agent = ${id}`;
  }
}
