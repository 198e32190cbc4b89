/** Reads the last segment of a journal, checking number and chain of its lines. */
import { walk } from "../journal/read.ts";
import { segmentPath } from "../journal/layout.ts";
import { scanLines } from "../journal/scan.ts";

export interface Tail {
  /** 0 where the segment has no line. */
  readonly lastSeq: number;
  /** Unix milliseconds; 0 where there is no line. */
  readonly lastTimeMs: number;
  /** Hash of the line that the head names; null where that is in another segment. */
  readonly hashAtHead: string | null;
  readonly isTorn: boolean;
  /** One sentence; null where all lines fit. */
  readonly fault: string | null;
}

/** @param headSeq Number of the line whose hash is wanted. */
export function readTail(directory: string, segment: number, headSeq: number): Tail {
  const first = firstLine(segmentPath(directory, segment));
  const seen = { lastTimeMs: 0, hashAtHead: null as string | null };
  const from = { segment, offset: 0, seq: first.seq - 1, prevHash: first.prev };
  const end = walk(directory, from, (record, position) => {
    seen.lastTimeMs = Date.parse(record.time);
    if (record.seq === headSeq) seen.hashAtHead = position.prevHash;
  });
  const { stop } = end;
  const isTorn = stop?.kind === "partial";
  const fault = stop === null || isTorn ? null : `byte ${stop.offset}: ${stop.what}`;
  return { ...seen, lastSeq: end.position.seq, isTorn, fault };
}

/** What the first line says of its place; the checks find out whether that is true. */
function firstLine(path: string): { readonly seq: number; readonly prev: string } {
  let first = { seq: 1, prev: "" };
  scanLines(path, 0, (line) => {
    const [, seq = "1", prev = ""] =
      /"seq":(\d+),"prev":"([0-9a-f]{64})"/.exec(line.toString("latin1", 0, 200)) ?? [];
    first = { seq: Number(seq), prev };
    return "stop";
  });
  return first;
}
