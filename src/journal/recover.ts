/** Judges what a stopped process left behind: what holds, what is cut off, what nobody may go on from. */
import { parseTime } from "../core/time.ts";
import { keptBootId } from "./boot.ts";
import { JournalCorrupt } from "./corrupt.ts";
import { headPath, readHead } from "./head.ts";
import type { Head } from "./head.ts";
import { listSegments, segmentPath } from "./layout.ts";
import { misplaced } from "./position.ts";
import type { Position } from "./position.ts";
import { corruptAt, walk } from "./read.ts";
import type { ReadEnd, Stop, Visit } from "./read.ts";

/** The bytes behind the last good line, which are cut off at start. */
export interface Torn {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly what: string;
}

export interface Recovered {
  /** Behind the last good line; the next line goes there. */
  readonly end: Position;
  /** Lines that were read, from where reading began. */
  readonly lines: number;
  readonly torn: Torn | null;
  /** The machine went down without a clean stop: under `os` up to a second of lines may be missing. */
  readonly powerLost: boolean;
  /** Why the head could not vouch for the end; null where it did. */
  readonly headLost: string | null;
  /** Unix milliseconds; the clock of the new process never says less. Null: no line yet. */
  readonly lastTimeMs: number | null;
}

export interface RecoverOptions {
  readonly directory: string;
  /** Where to begin, as a snapshot names it; null: at the first kept line. */
  readonly from: Position | null;
  readonly visit: Visit;
  /** This boot's id; null where the system has none. */
  readonly bootId: string | null;
}

/**
 * Reads the journal from `from` to its end, checks the chain, and compares the end with the head.
 * Changes nothing: `openJournal` does what this says.
 *
 * @throws JournalCorrupt where a line that others build on is not what was written, where lines are
 * missing that the head names, and where `from` is no place in this journal.
 */
export function recover(options: RecoverOptions): Recovered {
  const { directory, from, bootId } = options;
  const isNew = listSegments(directory).length === 0;
  const headFile = readHead(directory);
  const head = headFile.state === "read" ? headFile.head : null;
  const isClean = head?.clean === true;
  checkStart(directory, from);

  let lastTimeMs = timeOf(head?.time ?? null);
  const noteTime: Visit = (record) => {
    lastTimeMs = later(lastTimeMs, parseTime(record.time));
  };
  const read = walk(directory, from, (record, position) => {
    noteTime(record, position);
    options.visit(record, position);
  });
  // Without a head the lines before the snapshot are the only ones that know the time.
  if (head === null && from !== null) walk(directory, null, noteTime);
  const kept = keptBootId(directory);
  const bootChanged = kept !== null && bootId !== null && kept !== bootId;
  const powerLost = bootChanged && !(isClean && head.seq === read.position.seq);
  const torn = judgeStop(directory, read, { head, powerLost });
  checkHead(directory, read, head);
  return {
    end: read.position,
    lines: read.lines,
    torn,
    powerLost,
    headLost: isNew || head !== null ? null : `${headPath(directory)} ${wordsFor(headFile)}`,
    lastTimeMs,
  };
}

function checkStart(directory: string, from: Position | null): void {
  const reason = from === null ? null : misplaced(directory, from);
  if (from === null || reason === null) return;
  const place = { file: segmentPath(directory, from.segment), line: 0, offset: from.offset };
  const remedy =
    "restore the journal from a backup; or remove the snapshot, and the state is rebuilt from what is here";
  throw new JournalCorrupt(place, `it does not reach the snapshot: ${reason}`, remedy);
}

/** What may be cut off, or an error where cutting would lose what was once certain. */
function judgeStop(
  directory: string,
  read: ReadEnd,
  known: { readonly head: Head | null; readonly powerLost: boolean },
): Torn | null {
  const { stop, position } = read;
  if (stop === null) return null;
  // Lines behind the head were never synced: after a loss of power any of their pages may be missing,
  // not only the last. Everything up to the head was on disk, and must be there.
  const isUnsynced = known.head !== null && position.seq >= known.head.seq;
  const isLastSegment = stop.segment === listSegments(directory).at(-1);
  const mayCut = stop.kind !== "middle" || (known.powerLost && isUnsynced && isLastSegment);
  if (!mayCut) throw corruptAt(directory, stop);
  const { offset, bytes, what } = stop;
  return { file: segmentPath(directory, stop.segment), offset, bytes, what };
}

function checkHead(directory: string, read: ReadEnd, head: Head | null): void {
  const { position, stop } = read;
  if (head === null || position.seq > head.seq) return;
  if (position.seq < head.seq) throw endsEarly(directory, { seq: position.seq, stop }, head);
  if (position.prevHash === head.hash) return;
  const place = {
    file: segmentPath(directory, position.segment),
    line: 0,
    offset: position.offset,
  };
  const what = `its last line, seq ${head.seq}, has the hash ${position.prevHash}, but the head names ${head.hash}`;
  throw new JournalCorrupt(place, what);
}

function endsEarly(
  directory: string,
  end: { readonly seq: number; readonly stop: Stop | null },
  head: Head,
): JournalCorrupt {
  const file = segmentPath(directory, head.segment);
  const damaged = end.stop === null ? "" : ` (then ${end.stop.bytes} bytes: ${end.stop.what})`;
  const what = `the journal ends with seq ${end.seq}${damaged}, but seq ${head.seq} was on disk once`;
  const remedy =
    `restore the file from a backup; to go on without lines ${end.seq + 1} to ${head.seq}, and so ` +
    `without what they spent, remove ${headPath(directory)}: the loss is then recorded`;
  return new JournalCorrupt({ file, line: 0, offset: end.stop?.offset ?? 0 }, what, remedy);
}

function wordsFor(file: ReturnType<typeof readHead>): string {
  return file.state === "damaged" ? `is damaged: ${file.reason}` : "is missing";
}

function timeOf(text: string | null): number | null {
  return text === null ? null : parseTime(text);
}

function later(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right;
  return Math.max(left, right);
}
