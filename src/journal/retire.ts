/** Retention: removes whole old segments, after a record that names the line which is first from then on. */
import { formatTime, parseTime } from "../core/time.ts";
import type { Clock } from "../core/time.ts";
import type { FileLayer } from "./file-layer.ts";
import { listSegments, segmentPath } from "./layout.ts";
import { checkLine, LineFault } from "./line.ts";
import type { Position } from "./position.ts";
import type { WrittenRecord } from "./record.ts";
import { scanLines } from "./scan.ts";
import type { JournalWriter } from "./writer.ts";

export interface RetireOptions {
  readonly directory: string;
  readonly files: FileLayer;
  readonly clock: Clock;
  readonly writer: Pick<JournalWriter, "intent" | "sync">;
  /** Unix milliseconds: only segments whose lines are all older go. */
  readonly beforeMs: number;
  /** What a reader still needs: the oldest of the snapshot's position and the views'. */
  readonly keepFrom: Position;
}

/**
 * Removes segments, oldest first. Each has its own `retired` record, on disk before the file goes: so
 * whenever the process dies, one of the records names the first line that is left.
 *
 * @returns How many segments were removed.
 * @throws JournalUnavailable where the record cannot be written; the segment is then still there.
 */
export async function retireSegments(options: RetireOptions): Promise<number> {
  const { directory, files, writer, clock } = options;
  let removed = 0;
  for (const segment of listSegments(directory)) {
    const next = nextStart(options, segment);
    if (next === null) break;
    await writer.intent({
      type: "retired",
      time: formatTime(clock.wallMs()),
      first_kept_seq: next.seq,
      first_kept_prev: next.prev,
    });
    await writer.sync();
    files.unlink(segmentPath(directory, segment));
    await files.syncDirectory(directory);
    removed++;
  }
  return removed;
}

/** The first record behind `segment` where that one may go; null where it stays. */
function nextStart(options: RetireOptions, segment: number): WrittenRecord | null {
  const { directory, keepFrom, beforeMs } = options;
  if (segment >= keepFrom.segment) return null;
  const next = firstRecord(segmentPath(directory, segment + 1));
  if (next === null) return null;
  // The next segment's first line is no older than this one's last.
  const endMs = parseTime(next.time);
  return endMs !== null && endMs < beforeMs ? next : null;
}

/** Null where the segment is open and has no line yet. */
function firstRecord(path: string): WrittenRecord | null {
  const found: { record: WrittenRecord | null } = { record: null };
  scanLines(path, 0, (line) => {
    const checked = checkLine(line, { seq: null, prev: null, place: "first" });
    if (!(checked instanceof LineFault)) found.record = checked;
    return "stop";
  });
  return found.record;
}
