/** Cuts a file into lines, fast and in bounded memory; knows nothing of what they say. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const CHUNK_BYTES_MAX = 1 << 20;
const CHUNK_BYTES_MIN = 1 << 14;
const NEWLINE = 10;

export interface ScanEnd {
  /** Where the first byte lies that belongs to no visited line. */
  readonly offset: number;
  /** Bytes from there to the end of the file that no newline ends. 0 where the visitor stopped. */
  readonly restBytes: number;
}

/**
 * Reads whole lines from `offset` on, in chunks of at most 1 MiB.
 *
 * @param visit Gets each line without its newline and the offset of its first byte. The buffer is
 * reused: copy what is kept. "stop" leaves that line unvisited.
 */
export function scanLines(
  path: string,
  offset: number,
  visit: (line: Buffer, offset: number) => "next" | "stop",
): ScanEnd {
  const descriptor = openSync(path, "r");
  try {
    return scanDescriptor(descriptor, offset, visit);
  } finally {
    closeSync(descriptor);
  }
}

function scanDescriptor(
  descriptor: number,
  offset: number,
  visit: (line: Buffer, offset: number) => "next" | "stop",
): ScanEnd {
  // A tail reads little and often: touching a megabyte for that costs more than the reading.
  const expectedBytes = fstatSync(descriptor).size - offset + 1;
  const chunkBytes = Math.min(Math.max(expectedBytes, CHUNK_BYTES_MIN), CHUNK_BYTES_MAX);
  let buffer = Buffer.allocUnsafe(chunkBytes);
  /** Bytes of an unfinished line at the buffer's start; `at` is their offset in the file. */
  let kept = 0;
  let at = offset;
  for (;;) {
    if (kept === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
    const read = readSync(descriptor, buffer, kept, buffer.length - kept, at + kept);
    if (read === 0) return { offset: at, restBytes: kept };
    const filled = buffer.subarray(0, kept + read);
    let start = 0;
    // What was kept holds no newline, so the search begins behind it.
    let end = filled.indexOf(NEWLINE, kept);
    while (end !== -1) {
      if (visit(filled.subarray(start, end), at + start) === "stop") {
        return { offset: at + start, restBytes: 0 };
      }
      start = end + 1;
      end = filled.indexOf(NEWLINE, start);
    }
    buffer.copyWithin(0, start, filled.length);
    kept = filled.length - start;
    at += start;
  }
}
