/** Things in force from a midnight UTC until the next of their kind. */
import { invariant } from "../core/invariant.ts";

export interface Dated {
  /** Unix milliseconds. */
  readonly fromMs: number;
}

/**
 * Midnight UTC of a day, in Unix milliseconds.
 *
 * @param owner Whose date it is, for the message.
 * @throws InvariantBroken where the text is no day as YYYY-MM-DD.
 */
export function midnightOf(date: string, owner: string): number {
  const timeMs = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  invariant(!Number.isNaN(timeMs), `the date "${date}" of ${owner} is a day as YYYY-MM-DD`);
  return timeMs;
}

/** Adds an entry to the list under `name`, which stays in the order of the dates. */
export function addDated<Entry extends Dated>(
  lists: Map<string, readonly Entry[]>,
  name: string,
  entry: Entry,
): void {
  const entries = [...(lists.get(name) ?? []), entry];
  lists.set(
    name,
    entries.toSorted((a, b) => a.fromMs - b.fromMs),
  );
}

/** The entry in force at a moment; undefined before the first. `entries` in the order of dates. */
export function inForce<Entry extends Dated>(
  entries: readonly Entry[],
  atMs: number,
): Entry | undefined {
  return entries.findLast((entry) => entry.fromMs <= atMs);
}
