/** Pages of lists that are held in memory. */
import { invalidCursor } from "./parameters.ts";

export interface Page<Entry> {
  readonly data: readonly Entry[];
  readonly next_cursor: string | null;
}

export interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

const PREFIX = "k1:";

/**
 * A page of `entries` in the order of their keys, which must differ. Entries that come or go between
 * two pages move no other one.
 *
 * @throws Problem where the cursor is not one of this list's.
 */
export function pageOf<Entry>(
  entries: readonly Entry[],
  keyOf: (entry: Entry) => string,
  query: PageQuery,
): Page<Entry> {
  const after = query.cursor === undefined ? null : keyAt(query.cursor);
  const rest = entries
    .map((entry) => ({ entry, key: keyOf(entry) }))
    .filter(({ key }) => after === null || key > after)
    .sort((left, right) => (left.key < right.key ? -1 : 1));
  const shown = rest.slice(0, query.limit);
  const last = rest.length > shown.length ? shown.at(-1) : undefined;
  return {
    data: shown.map(({ entry }) => entry),
    next_cursor: last === undefined ? null : cursorAt(last.key),
  };
}

function cursorAt(key: string): string {
  return Buffer.from(PREFIX + key).toString("base64url");
}

function keyAt(cursor: string): string {
  const text = Buffer.from(cursor, "base64url").toString();
  // Decoding is lenient; only the very text that was given out is taken back.
  if (!text.startsWith(PREFIX) || cursorAt(text.slice(PREFIX.length)) !== cursor) {
    throw invalidCursor(cursor);
  }
  return text.slice(PREFIX.length);
}
