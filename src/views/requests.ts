/** Lists ended requests newest first, page by page, and shows one with its attempts. */
import { sql } from "kysely";
import type { Kysely, SelectQueryBuilder } from "kysely";
import type { ViewsTables } from "../store/schema.ts";
import { formatCursor, parseCursor } from "./cursor.ts";
import type { Place } from "./cursor.ts";
import { attemptRow, correctionRow, requestRow } from "./rows.ts";
import type { RequestDetail, RequestRow } from "./rows.ts";

/** Fields that are missing or undefined do not filter. */
export interface RequestsFilter {
  readonly virtual_key?: string | undefined;
  readonly team?: string | undefined;
  readonly customer?: string | undefined;
  readonly owner?: string | undefined;
  readonly session?: string | undefined;
  readonly model?: string | undefined;
  readonly provider?: string | undefined;
  readonly outcome?: string | undefined;
  /** Unix milliseconds; from ≤ time < to. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** 1 or more; 100 where it is missing. */
  readonly limit?: number | undefined;
  /** `next_cursor` of the page before, with the same filter. */
  readonly cursor?: string | undefined;
}

interface RequestsPage {
  readonly data: readonly RequestRow[];
  /** Null on the last page. */
  readonly next_cursor: string | null;
}

export type RequestsAnswer = RequestsPage | { readonly error: "invalid_cursor" };

const DIMENSION_FILTERS = [
  "virtual_key",
  "team",
  "customer",
  "owner",
  "session",
  "model",
  "provider",
] as const;

const DEFAULT_LIMIT = 100;
/** From here on a filter is wide enough that walking the newest rows finds its page sooner. */
const NARROW_DIMENSIONS = 500;

type Db = Kysely<ViewsTables>;
type Ids = readonly bigint[];

/**
 * One page. A row never moves, so pages never repeat one, and never miss one that was there when the
 * first page was read, whatever arrives in between.
 */
export async function listRequests(db: Db, filter: RequestsFilter): Promise<RequestsAnswer> {
  const place = filter.cursor === undefined ? null : parseCursor(filter.cursor);
  if (filter.cursor !== undefined && place === null) return { error: "invalid_cursor" };
  const limit = filter.limit ?? DEFAULT_LIMIT;
  const narrow = await narrowDimensions(db, filter);
  const page = { filter, place, rows: limit + 1 };
  const seqs = narrow === null ? await newest(db, page) : await newestOf(db, page, narrow);
  const rows = await attributed(db)
    .where("requests.seq", "in", seqs.slice(0, limit))
    .orderBy("requests.time_ms", "desc")
    .orderBy("requests.seq", "desc")
    .execute();
  const last = seqs.length > limit ? rows.at(-1) : undefined;
  const next = last && formatCursor({ timeMs: Number(last.time_ms), seq: Number(last.seq) });
  return { data: rows.map(requestRow), next_cursor: next ?? null };
}

function attributed(db: Db) {
  return db
    .selectFrom("requests")
    .innerJoin("dimensions", "dimensions.id", "requests.dimension")
    .selectAll("dimensions")
    .selectAll("requests");
}

/** Ids of the dimensions that a filter selects; null where they are too many, or all. */
async function narrowDimensions(db: Db, filter: RequestsFilter): Promise<Ids | null> {
  if (DIMENSION_FILTERS.every((field) => filter[field] === undefined)) return null;
  const rows = await matching(db.selectFrom("dimensions").select("id"), filter)
    .limit(NARROW_DIMENSIONS + 1)
    .execute();
  return rows.length > NARROW_DIMENSIONS ? null : rows.map((row) => row.id);
}

function matching<Out>(
  query: SelectQueryBuilder<ViewsTables, "dimensions", Out>,
  filter: RequestsFilter,
): SelectQueryBuilder<ViewsTables, "dimensions", Out> {
  let selected = query;
  for (const field of DIMENSION_FILTERS) {
    const value = filter[field];
    if (value !== undefined) selected = selected.where(`dimensions.${field}`, "=", value);
  }
  return selected;
}

interface Page {
  readonly filter: RequestsFilter;
  readonly place: Place | null;
  /** One more than are shown tells whether there is a next page. */
  readonly rows: number;
}

/** Walks from the newest row backwards; right where nearly every row is wanted. */
async function newest(db: Db, page: Page): Promise<bigint[]> {
  let query = pageQuery(db, page);
  if (DIMENSION_FILTERS.some((field) => page.filter[field] !== undefined)) {
    const wanted = matching(db.selectFrom("dimensions").select("dimensions.id"), page.filter);
    query = query.where(sql<bigint>`+requests.dimension`, "in", wanted);
  }
  return (await query.execute()).map((row) => row.seq);
}

/** The newest rows of each dimension, merged: every step is one walk along an index. */
async function newestOf(db: Db, page: Page, dimensions: Ids): Promise<bigint[]> {
  const found: { readonly seq: bigint; readonly time_ms: bigint }[] = [];
  for (const dimension of dimensions) {
    const query = pageQuery(db, page).where("requests.dimension", "=", dimension);
    found.push(...(await query.execute()));
  }
  found.sort((left, right) => Number(right.time_ms - left.time_ms || right.seq - left.seq));
  return found.slice(0, page.rows).map((row) => row.seq);
}

function pageQuery(db: Db, { filter, place, rows }: Page) {
  let query = db
    .selectFrom("requests")
    .select(["requests.seq", "requests.time_ms"])
    .orderBy("requests.time_ms", "desc")
    .orderBy("requests.seq", "desc")
    .limit(rows);
  if (filter.outcome !== undefined) query = query.where("requests.outcome", "=", filter.outcome);
  if (filter.fromMs !== undefined) query = query.where("time_ms", ">=", BigInt(filter.fromMs));
  if (filter.toMs !== undefined) query = query.where("time_ms", "<", BigInt(filter.toMs));
  if (place === null) return query;
  const after = sql<boolean>`(requests.time_ms, requests.seq) < (${place.timeMs}, ${place.seq})`;
  return query.where(after);
}

/** One ended request, or null where there is none of that id. */
export async function showRequest(db: Db, id: string): Promise<RequestDetail | null> {
  const row = await attributed(db).where("requests.id", "=", id).executeTakeFirst();
  if (row === undefined) return null;
  const attempts = await db
    .selectFrom("attempts")
    .innerJoin("dimensions", "dimensions.id", "attempts.dimension")
    .selectAll("attempts")
    .select(["dimensions.provider", "dimensions.model"])
    .where("request", "=", id)
    .orderBy("attempt")
    .execute();
  const corrections = await db
    .selectFrom("corrections")
    .selectAll()
    .where("request", "=", id)
    .orderBy("seq")
    .execute();
  const correctionsOf = (attempt: bigint) =>
    corrections.filter((correction) => correction.attempt === attempt).map(correctionRow);
  return {
    ...requestRow(row),
    attempts: attempts.map((attempt) => attemptRow(attempt, correctionsOf(attempt.attempt))),
  };
}
