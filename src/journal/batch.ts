/** Turns queued records into the bytes of one write: numbered, chained, newline-ended. */
import { composeLine, hashLine } from "./line.ts";
import type { Entry } from "./queue.ts";

/** Which line is the last one. */
export interface Mark {
  readonly seq: number;
  readonly hash: string;
  /** The latest time of all lines up to this one; null before the first line. */
  readonly time: string | null;
}

export interface Batch {
  readonly bytes: Buffer;
  /** The last line of the batch. */
  readonly last: Mark;
}

/** UTF-8 needs at most three bytes for one UTF-16 unit. */
const BYTES_PER_UNIT = 3;
const SCRATCH_BYTES = 64 * 1024;

let scratch = Buffer.allocUnsafe(SCRATCH_BYTES);

/**
 * Composes the lines of `entries` behind `before`.
 *
 * @param place "first" where the first of them begins a segment.
 * @param entries Never empty.
 */
export function composeBatch(
  entries: readonly Entry[],
  before: Mark,
  place: "first" | "later",
): Batch {
  let { seq, hash, time } = before;
  let length = 0;
  for (const entry of entries) {
    seq++;
    const link = { seq, prev: hash, place: length === 0 ? place : "later" } as const;
    const line = composeLine(entry.json, link);
    const room = (line.length + 1) * BYTES_PER_UNIT;
    if (scratch.length - length < room)
      scratch = Buffer.concat([scratch], scratch.length * 2 + room);
    // One encoding for both the hash and the file: what is hashed is what is written.
    const end = length + scratch.write(line, length);
    hash = hashLine(scratch.subarray(length, end));
    scratch[end] = 0x0a;
    length = end + 1;
    // RFC 3339 in one form sorts as text; a deferred record may be older than the line before it.
    if (time === null || entry.time > time) time = entry.time;
  }
  return { bytes: Buffer.from(scratch.subarray(0, length)), last: { seq, hash, time } };
}
