/** Writes records as a node's journal has them: numbered, chained, in segments. */
import { appendFileSync, mkdirSync } from "node:fs";
import { segmentPath } from "../../src/journal/layout.ts";
import { composeLine, GENESIS_HASH, hashLine } from "../../src/journal/line.ts";

/** A record of any type, also of one that only a later version knows. */
export type AnyRecord = { readonly type: string; readonly time: string };

export interface WrittenJournal {
  readonly directory: string;
  /** Appends records; a new segment is begun after `segmentLines` lines. Returns the last number. */
  readonly append: (records: readonly AnyRecord[]) => number;
  readonly seq: () => number;
}

/** An empty journal in `directory`. */
export function writeJournal(directory: string, segmentLines = 5000): WrittenJournal {
  mkdirSync(directory, { recursive: true });
  let seq = 0;
  let prev = GENESIS_HASH;
  function append(records: readonly AnyRecord[]): number {
    let text = "";
    let segment = Math.floor(seq / segmentLines) + 1;
    for (const record of records) {
      const place = seq % segmentLines === 0 ? "first" : "later";
      if (place === "first" && text !== "") {
        appendFileSync(segmentPath(directory, segment), text);
        text = "";
      }
      segment = Math.floor(seq / segmentLines) + 1;
      seq++;
      const line = composeLine(JSON.stringify(record), { seq, prev, place });
      prev = hashLine(Buffer.from(line));
      text += `${line}\n`;
    }
    appendFileSync(segmentPath(directory, segment), text);
    return seq;
  }
  return { directory, append, seq: () => seq };
}
