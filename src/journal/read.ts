/** Reads the journal in order from any position, checking number and chain of every line on the way. */
import { statSync } from "node:fs";
import { JournalCorrupt } from "./corrupt.ts";
import { listSegments, segmentPath } from "./layout.ts";
import { checkLine, GENESIS_HASH, hashLine, LineFault } from "./line.ts";
import type { Position } from "./position.ts";
import type { WrittenRecord } from "./record.ts";
import { scanLines } from "./scan.ts";

export type { Position };

/** Gets each record with the position behind it: reading from there visits the next one first. */
export type Visit = (record: WrittenRecord, position: Position) => void;

/** Why reading ended before the last byte. */
export interface Stop {
  readonly segment: number;
  readonly offset: number;
  /** From the stop to the end of that segment. */
  readonly bytes: number;
  /** `partial`: no newline ends it. `last`: whole, wrong, nothing behind it. `middle`: wrong, with lines behind. */
  readonly kind: "partial" | "last" | "middle";
  readonly what: string;
}

export interface ReadEnd {
  readonly position: Position;
  readonly lines: number;
  /** Null where everything was read, or everything up to `untilSeq`. */
  readonly stop: Stop | null;
}

export interface ReadOptions {
  /** Number of the last line to visit. A reader beside a live writer gives the writer's `writtenSeq`: what lies behind it may still be taken back. */
  readonly untilSeq?: number;
}

/**
 * Visits every record from `from` (null: the first kept one) to the end. Made for two readers: recovery
 * at start, and a tail beside a live writer, which stops before a line that is still being written.
 *
 * @param directory `{data_dir}/journal/{node}`.
 * @returns The position behind the last visited record, from where to go on.
 * @throws JournalCorrupt where a line other than the very last does not fit.
 */
export function readJournal(
  directory: string,
  from: Position | null,
  visit: Visit,
  options: ReadOptions = {},
): ReadEnd {
  const end = walk(directory, from, visit, options);
  if (end.stop?.kind === "middle") throw corruptAt(directory, end.stop);
  return end;
}

/** As `readJournal`, but a line that does not fit is told in `stop` and never thrown. */
export function walk(
  directory: string,
  from: Position | null,
  visit: Visit,
  options: ReadOptions = {},
): ReadEnd {
  const segments = listSegments(directory);
  const cursor = startCursor(segments[0] ?? 1, from, options);
  const last = segments.at(-1) ?? (from === null ? 0 : from.segment);
  for (let segment = cursor.segment; segment <= last; segment++) {
    if (!segments.includes(segment)) return ended(cursor, missing(segment));
    if (segment !== cursor.segment) Object.assign(cursor, { segment, offset: 0 });
    const stop = walkSegment(segmentPath(directory, segment), cursor, visit);
    if (stop !== null) return ended(cursor, segment === last ? stop : { ...stop, kind: "middle" });
    if (isDone(cursor)) break;
  }
  return ended(cursor, null);
}

function startCursor(first: number, from: Position | null, options: ReadOptions): Cursor {
  const { untilSeq = Number.POSITIVE_INFINITY } = options;
  if (from !== null) return { ...from, lines: 0, untilSeq };
  const place = { segment: first, offset: 0, lines: 0, untilSeq };
  // What precedes the first line that retention kept is known to that line alone.
  return first === 1
    ? { ...place, seq: 0, prevHash: GENESIS_HASH }
    : { ...place, seq: null, prevHash: null };
}

function isDone(cursor: Cursor): boolean {
  return cursor.seq !== null && cursor.seq >= cursor.untilSeq;
}

interface Cursor {
  segment: number;
  offset: number;
  seq: number | null;
  prevHash: string | null;
  lines: number;
  readonly untilSeq: number;
}

function walkSegment(path: string, cursor: Cursor, visit: Visit): Stop | null {
  const found: { fault: LineFault | null } = { fault: null };
  const end = scanLines(path, cursor.offset, (line, offset) => {
    if (isDone(cursor)) return "stop";
    const checked = checkLine(line, {
      seq: cursor.seq === null ? null : cursor.seq + 1,
      prev: cursor.prevHash,
      place: offset === 0 ? "first" : "later",
    });
    if (checked instanceof LineFault) {
      found.fault = checked;
      return "stop";
    }
    const position = {
      segment: cursor.segment,
      offset: offset + line.length + 1,
      seq: checked.seq,
      prevHash: hashLine(line),
    };
    cursor.offset = position.offset;
    cursor.seq = position.seq;
    cursor.prevHash = position.prevHash;
    cursor.lines++;
    visit(checked, position);
    return "next";
  });
  if (found.fault !== null) return faultStop(path, cursor.segment, { ...end, fault: found.fault });
  if (end.restBytes === 0) return null;
  return {
    segment: cursor.segment,
    offset: end.offset,
    bytes: end.restBytes,
    kind: "partial",
    what: "no newline ends it",
  };
}

function faultStop(
  path: string,
  segment: number,
  at: { readonly offset: number; readonly fault: LineFault },
): Stop {
  const { offset, fault } = at;
  const bytes = statSync(path).size - offset;
  let linesThere = 0;
  const rest = scanLines(path, offset, () => {
    linesThere++;
    return linesThere > 1 ? "stop" : "next";
  });
  const alone = linesThere === 1 && rest.restBytes === 0;
  return { segment, offset, bytes, kind: alone ? "last" : "middle", what: fault.sentence() };
}

function missing(segment: number): Stop {
  return { segment, offset: 0, bytes: 0, kind: "middle", what: "the segment is missing" };
}

function ended(cursor: Cursor, stop: Stop | null): ReadEnd {
  const position = {
    segment: cursor.segment,
    offset: cursor.offset,
    seq: cursor.seq ?? 0,
    prevHash: cursor.prevHash ?? GENESIS_HASH,
  };
  return { position, lines: cursor.lines, stop };
}

/** The error for a stop, with the line's number, which is counted only now that it is needed. */
export function corruptAt(directory: string, stop: Stop, remedy?: string): JournalCorrupt {
  const file = segmentPath(directory, stop.segment);
  const line = stop.what === "the segment is missing" ? 0 : lineNumberAt(file, stop.offset);
  return new JournalCorrupt({ file, line, offset: stop.offset }, stop.what, remedy);
}

function lineNumberAt(path: string, offset: number): number {
  let line = 1;
  scanLines(path, 0, (_line, start) => {
    if (start >= offset) return "stop";
    line++;
    return "next";
  });
  return line;
}
