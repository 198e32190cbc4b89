/** Measures how far the views are behind the journal, in time. */
import type { Clock } from "../core/time.ts";

export interface Lag {
  /** A line was written. */
  readonly written: (seq: number) => void;
  /** All lines up to here are in the views. */
  readonly applied: (seq: number) => void;
  /** Milliseconds that the oldest line that is not in the views has waited, at most; 0: none waits. */
  readonly ms: () => number;
}

/** Marks kept at most; between two of them a line counts as old as the earlier one. */
const MARKS = 100;
/** Marks nearer than this to the one before are not made. */
const APART_MS = 20;

/** A lag that counts in `clock`'s monotonic time. */
export function createLag(clock: Clock): Lag {
  /** Each: the lines up to `seq` were written at `atMs` or later. */
  const marks: { seq: number; readonly atMs: number }[] = [];
  return {
    written: (seq) => {
      const atMs = clock.monotonicMs();
      const last = marks.at(-1);
      if (last === undefined || (atMs - last.atMs > APART_MS && marks.length < MARKS)) {
        marks.push({ seq, atMs });
      } else {
        last.seq = seq;
      }
    },
    applied: (seq) => {
      while (marks[0] !== undefined && marks[0].seq <= seq) marks.shift();
    },
    ms: () => (marks[0] === undefined ? 0 : clock.monotonicMs() - marks[0].atMs),
  };
}
