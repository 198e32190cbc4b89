/** Reads lines of the journal from a number on, without holding up the requests that are served beside. */
import { createReadStream, openSync, closeSync, readSync } from "node:fs";
import { listSegments, segmentPath } from "../journal/layout.ts";

/** A line as an object: its fields and `seq`. */
export type JournalLine = Readonly<Record<string, unknown>> & { readonly seq: number };

export interface LinesAsked {
  readonly fromSeq: number;
  /** Lines behind this one may still be taken back by the writer. */
  readonly untilSeq: number;
  readonly limit: number;
}

const HEAD_BYTES = 64;
const SEQ = /"seq":(\d+)/;
const NEWLINE = 10;

/** Up to `limit` lines; none where retention has removed them all or none has been written yet. */
export async function readLines(directory: string, asked: LinesAsked): Promise<JournalLine[]> {
  const lines: JournalLine[] = [];
  for (const segment of segmentsFrom(directory, asked.fromSeq)) {
    for await (const line of linesOf(segmentPath(directory, segment))) {
      const seq = seqOf(line);
      if (seq > asked.untilSeq || lines.length === asked.limit) return lines;
      if (seq >= asked.fromSeq) lines.push(JSON.parse(line.toString()) as JournalLine);
    }
  }
  return lines;
}

/** The segments that hold line `fromSeq` and all later ones, by their first lines' numbers. */
function segmentsFrom(directory: string, fromSeq: number): readonly number[] {
  const segments = listSegments(directory);
  let low = 0;
  let high = segments.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (firstSeq(segmentPath(directory, segments[middle] ?? 0)) <= fromSeq) low = middle;
    else high = middle;
  }
  return segments.slice(low);
}

/** Number of a segment's first line; beyond all others where the segment is still empty. */
function firstSeq(path: string): number {
  const descriptor = openSync(path, "r");
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    return seqOf(head.subarray(0, readSync(descriptor, head)));
  } finally {
    closeSync(descriptor);
  }
}

/** The number at the head of a line, where the writer puts it. */
function seqOf(line: Buffer): number {
  const match = SEQ.exec(line.toString("latin1", 0, HEAD_BYTES));
  return match === null ? Number.POSITIVE_INFINITY : Number(match[1]);
}

/** Whole lines, without their newlines; what no newline ends is left out. */
async function* linesOf(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    let end = bytes.indexOf(NEWLINE, rest.length);
    while (end !== -1) {
      yield bytes.subarray(start, end);
      start = end + 1;
      end = bytes.indexOf(NEWLINE, start);
    }
    rest = bytes.subarray(start);
  }
}
