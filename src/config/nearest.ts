/** Finds the valid name that a wrong one was probably meant to be. */
import { shown } from "./secrecy.ts";

/** So many comparisons in all: a renamed customer in ten thousand teams must not take minutes. */
const COMPARISONS_MAX = 300_000;
const LISTED_MAX = 12;
/** Ids are 128 characters at most; what is longer is not a slip of the finger. */
const COMPARED_CHARACTERS_MAX = 128;

export interface Suggester {
  /** The remedy for a wrong name, to follow the sentence that names it; empty where there is none. */
  readonly remedy: (wrong: string, valid: readonly string[]) => string;
  /** The valid name that `wrong` is a slip of; null where none is near. */
  readonly slipOf: (wrong: string, valid: readonly string[]) => string | null;
}

/** A suggester with a budget of comparisons; once that is spent it suggests nothing. */
export function createSuggester(): Suggester {
  let comparisonsLeft = COMPARISONS_MAX;
  const search = (wrong: string, valid: readonly string[]): Nearest | null => {
    if (wrong.length > COMPARED_CHARACTERS_MAX || valid.length > comparisonsLeft) return null;
    comparisonsLeft -= valid.length;
    return nearest(wrong, valid);
  };
  const remedy = (wrong: string, valid: readonly string[]): string => {
    const found = search(wrong, valid);
    if (found !== null && isSlip(wrong, found)) return `did you mean ${shown(found.name)}?`;
    if (valid.length > 0 && valid.length <= LISTED_MAX) {
      return `use one of ${valid.map((name) => shown(name)).join(", ")}`;
    }
    return found === null ? "" : `the nearest is ${shown(found.name)}`;
  };
  const slipOf = (wrong: string, valid: readonly string[]): string | null => {
    const found = search(wrong, valid);
    return found !== null && isSlip(wrong, found) ? found.name : null;
  };
  return { remedy, slipOf };
}

interface Nearest {
  readonly name: string;
  readonly distance: number;
}

function isSlip(wrong: string, found: Nearest): boolean {
  if (found.distance >= wrong.length) return false;
  return found.distance <= Math.max(1, Math.floor(Math.max(wrong.length, found.name.length) / 2.5));
}

function nearest(wrong: string, valid: readonly string[]): Nearest | null {
  let best: Nearest | null = null;
  for (const name of valid) {
    const distance = editDistance(
      wrong.toLowerCase(),
      name.toLowerCase(),
      best?.distance ?? Infinity,
    );
    if (best === null || distance < best.distance) best = { name, distance };
  }
  return best;
}

/**
 * Levenshtein's distance, in which two neighbours that changed places count as one edit; `limit` where
 * it is not below that.
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + Number(a[i - 1] !== b[j - 1]);
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (before[j - 2] ?? Infinity) + 1 : Infinity;
      next.push(Math.min(change, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
    if (Math.min(...row) >= limit) return limit;
  }
  return Math.min(limit, row[b.length] ?? 0);
}
