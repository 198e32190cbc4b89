/** What scopes in shadow would have done in a range of time, and to whom: the report before enforcement. */
import { sql } from "kysely";
import type { Kysely, RawBuilder } from "kysely";
import { formatTime } from "../core/time.ts";
import type { ViewsTables } from "../store/schema.ts";
import { usdText } from "./rows.ts";

export interface ShadowQuery {
  /** Unix milliseconds, from ≤ time < to. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Only this scope, "team/platform"; undefined: all. */
  readonly scope?: string | undefined;
}

/** A key that would have noticed. */
export interface ShadowHit {
  readonly virtual_key: string | null;
  readonly owner: string | null;
  readonly requests: number;
  readonly first: string;
  readonly last: string;
}

/** What one scope would have done. A request counts once in each of its figures. */
export interface ShadowScope {
  /** Null: refusals that are no scope's. */
  readonly scope: { readonly type: string; readonly id: string } | null;
  /** Requests that it would have touched in any way. */
  readonly requests: number;
  /** By code. What would only have waited for others' holds is not among them. */
  readonly would_refuse: Readonly<Record<string, number>>;
  readonly would_wait: number;
  readonly would_clamp: number;
  readonly would_reroute: number;
  readonly would_change: number;
  readonly would_slow: number;
  /** The cost of what it would have refused, and of output that it would have cut. */
  readonly saved_usd: string;
  /** Those with the most requests first, at most a hundred. */
  readonly hit: readonly ShadowHit[];
}

export interface ShadowReport {
  /** Requests that any scope in shadow let through as they came. */
  readonly observed_requests: number;
  readonly scopes: readonly ShadowScope[];
}

type Db = Kysely<ViewsTables>;

interface KindRow {
  readonly scope: string;
  readonly kind: string;
  readonly requests: bigint;
  readonly saved: bigint;
}

interface HitRow {
  readonly scope: string;
  readonly virtual_key: string | null;
  readonly owner: string | null;
  readonly requests: bigint;
  readonly first: bigint;
  readonly last: bigint;
}

const HITS_MAX = 100;
/** Others' holds: it is no refusal where requests wait. */
const WAITS = "budget_busy";

/** The report of a range; a request belongs to the time of its first admission. */
export async function shadowReport(db: Db, query: ShadowQuery): Promise<ShadowReport> {
  const acts = actsOf(query);
  const kinds = await sql<KindRow>`${acts} SELECT scope, kind, count(DISTINCT request) AS requests,
    sum(saved) AS saved FROM acts GROUP BY scope, kind ORDER BY scope, kind`.execute(db);
  const totals = await sql<{ readonly scope: string; readonly requests: bigint }>`${acts}
    SELECT scope, count(DISTINCT request) AS requests FROM acts GROUP BY scope
    ORDER BY requests DESC, scope`.execute(db);
  const hits = await sql<HitRow>`${acts} SELECT scope, virtual_key, owner,
    count(DISTINCT request) AS requests, min(request_ms) AS first, max(request_ms) AS last
    FROM acts JOIN dimensions ON dimensions.id = acts.dimension
    GROUP BY scope, virtual_key, owner ORDER BY requests DESC, virtual_key`.execute(db);
  const observed = await sql<{
    readonly requests: bigint;
  }>`SELECT count(DISTINCT request) AS requests
    FROM attempts WHERE ${inRange(query)}`.execute(db);
  return {
    observed_requests: Number(observed.rows[0]?.requests ?? 0n),
    scopes: totals.rows.map(({ scope, requests }) => ({
      ...actsIn(kinds.rows.filter((row) => row.scope === scope)),
      scope: scopeOf(scope),
      requests: Number(requests),
      hit: hits.rows
        .filter((row) => row.scope === scope)
        .slice(0, HITS_MAX)
        .map(hitOf),
    })),
  };
}

function inRange({ fromMs, toMs }: ShadowQuery): RawBuilder<unknown> {
  return sql`observed = 1 AND request_ms >= ${fromMs} AND request_ms < ${toMs}`;
}

/** One row for each thing that a scope would have done to an attempt. */
function actsOf(query: ShadowQuery): RawBuilder<unknown> {
  const range = inRange(query);
  const only = query.scope === undefined ? sql`` : sql` WHERE scope = ${query.scope}`;
  return sql`WITH every_act AS (
    SELECT request, request_ms, dimension, coalesce(refusal_by, '') AS scope, refusal AS kind,
      CASE refusal WHEN ${WAITS} THEN 0 ELSE cost_nano END AS saved
    FROM attempts WHERE ${range} AND refusal IS NOT NULL
    UNION ALL
    SELECT request, request_ms, dimension, shadow_clamped_by, '+clamp',
      cost_nano - coalesce(shadow_cost_nano, cost_nano)
    FROM attempts WHERE ${range} AND shadow_clamped_by IS NOT NULL
    UNION ALL
    SELECT request, request_ms, dimension, change.value ->> 'by', '+' || (change.value ->> 'what'), 0
    FROM attempts, json_each(shadow_changes) AS change WHERE ${range} AND shadow_changes IS NOT NULL
  ), acts AS (SELECT * FROM every_act${only})`;
}

function actsIn(rows: readonly KindRow[]) {
  const of = (kind: string) => Number(rows.find((row) => row.kind === kind)?.requests ?? 0n);
  const refusals = rows.filter(({ kind }) => kind !== WAITS && !kind.startsWith("+"));
  return {
    would_refuse: Object.fromEntries(
      refusals.map(({ kind, requests }) => [kind, Number(requests)]),
    ),
    would_wait: of(WAITS),
    would_clamp: of("+clamp"),
    would_reroute: of("+rerouted"),
    would_change: of("+changed"),
    would_slow: of("+slowed"),
    saved_usd: usdText(rows.reduce((sum, { saved }) => sum + saved, 0n)),
  };
}

function scopeOf(text: string): ShadowScope["scope"] {
  const slash = text.indexOf("/");
  return slash < 0 ? null : { type: text.slice(0, slash), id: text.slice(slash + 1) };
}

function hitOf({ virtual_key, owner, requests, first, last }: HitRow): ShadowHit {
  const times = { first: formatTime(Number(first)), last: formatTime(Number(last)) };
  return { virtual_key, owner, requests: Number(requests), ...times };
}
