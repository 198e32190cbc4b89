/** A place between two lines of the journal, and whether a remembered one still is one. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { isMissing } from "./disk-fault.ts";
import { segmentPath } from "./layout.ts";
import { hashLine } from "./line.ts";

/** Plain JSON: it is kept in snapshots. */
export interface Position {
  /** Number of the segment, from 1. */
  readonly segment: number;
  /** Byte at which the next line begins. */
  readonly offset: number;
  /** Number of the line before; 0 at the very start. */
  readonly seq: number;
  /** Hash of the line before; 64 zeros at the very start. */
  readonly prevHash: string;
}

const BACKWARD_BYTES = 4096;
const NEWLINE = 10;

/**
 * Why `position` is no place in this journal (its segment is gone, the file ends before it, another line
 * stands before it), or null. Reads one line.
 */
export function misplaced(directory: string, position: Position): string | null {
  const path = segmentPath(directory, position.segment);
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if (isMissing(error)) return `${path} does not exist`;
    throw error;
  }
  try {
    const sizeBytes = fstatSync(descriptor).size;
    if (sizeBytes < position.offset)
      return `${path} ends at byte ${sizeBytes}, before ${position.offset}`;
    // At a segment's start the line before is in another file; the next line's own `prev` tells.
    if (position.offset === 0) return null;
    const line = lineBefore(descriptor, position.offset);
    if (line !== null && hashLine(line) === position.prevHash) return null;
    return `the line before byte ${position.offset} of ${path} is not the one that was there`;
  } finally {
    closeSync(descriptor);
  }
}

/** The line whose newline is at `end` - 1, without it; null where there is no newline. */
function lineBefore(descriptor: number, end: number): Buffer | null {
  for (let length = BACKWARD_BYTES; ; length *= 2) {
    const start = Math.max(0, end - length);
    const bytes = Buffer.alloc(end - start);
    readSync(descriptor, bytes, 0, bytes.length, start);
    if (bytes.at(-1) !== NEWLINE) return null;
    const previous = bytes.lastIndexOf(NEWLINE, bytes.length - 2);
    if (previous !== -1 && bytes.length > 1) return bytes.subarray(previous + 1, -1);
    if (start === 0) return bytes.subarray(0, -1);
  }
}
