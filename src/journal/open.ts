/** Opens a node's journal: recovers it, makes it whole, records what was lost, and starts the writer. */
import { mkdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "../core/time.ts";
import { formatTime } from "../core/time.ts";
import { currentBootId, keepBootId } from "./boot.ts";
import { describeFault, isFull } from "./disk-fault.ts";
import { nodeFiles } from "./file-layer.ts";
import type { FileLayer } from "./file-layer.ts";
import { writeHead } from "./head.ts";
import type { Head } from "./head.ts";
import type { JournalFault } from "./health.ts";
import type { Journal } from "./journal.ts";
import { DIRECTORY_MODE, journalDirectory, segmentPath } from "./layout.ts";
import type { Position } from "./position.ts";
import type { Visit } from "./read.ts";
import type { GapRecord } from "./record.ts";
import { recover } from "./recover.ts";
import type { Recovered } from "./recover.ts";
import { retireSegments } from "./retire.ts";
import { JournalWriter } from "./writer.ts";
import type { WriterOptions } from "./writer.ts";

const RESERVE_BYTES = 4 * 1024 * 1024;

export interface OpenOptions {
  readonly dataDir: string;
  /** As `nodeName` gives it. */
  readonly node: string;
  readonly durability: "os" | "disk";
  readonly segmentBytes: number;
  readonly clock: Clock;
  /** Called when the journal gets into trouble and when it is out of it. */
  readonly onFault: (fault: JournalFault) => void;
  /** Position of the snapshot that `visit` continues; left out or null: the first kept line. */
  readonly from?: Position | null;
  /** Gets every record behind `from`, in order, before `openJournal` resolves. */
  readonly visit?: Visit;
  readonly files?: FileLayer;
  readonly reserveBytes?: number;
  /** This boot's id; for tests. */
  readonly bootId?: string | null;
}

export interface OpenedJournal {
  readonly journal: Journal;
  readonly directory: string;
  readonly recovered: Recovered;
  /** The end of the journal; null while a record waits. A snapshot of memory belongs to this position. */
  readonly position: () => Position | null;
  /** Resolves when all lines written so far are on disk: before a snapshot of them is. */
  readonly sync: () => Promise<void>;
  /**
   * Removes whole segments whose lines are all older than `beforeMs` (Unix milliseconds), none at or
   * behind `keepFrom`. @returns how many.
   */
  readonly retire: (beforeMs: number, keepFrom: Position) => Promise<number>;
}

/**
 * Opens the journal of `node`, making it where there is none. The caller holds the data directory's lock.
 *
 * What was lost is recorded before anything else: `gap` with reason `file_lost`, `power_loss`,
 * `torn_line`. A full disk does not keep the journal from opening; intents are refused until there is room.
 *
 * @throws JournalCorrupt where it is not safe to go on; the message says what to do.
 */
export async function openJournal(options: OpenOptions): Promise<OpenedJournal> {
  const { dataDir, node, clock, visit = () => {}, files = nodeFiles } = options;
  const bootId = options.bootId === undefined ? currentBootId() : options.bootId;
  const directory = journalDirectory(dataDir, node);
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });

  const recovered = recover({ directory, from: options.from ?? null, visit, bootId });
  const head = headOf(recovered);
  const headSeq = await makeWhole(
    { files, directory, onFault: options.onFault },
    { head, end: recovered.end, bootId },
  );
  const writer = new JournalWriter({
    directory,
    durability: options.durability,
    segmentBytes: options.segmentBytes,
    reserveBytes: options.reserveBytes ?? RESERVE_BYTES,
    clock,
    files,
    onFault: options.onFault,
    start: recovered.end,
    head,
    headSeq,
  });
  for (const gap of gapsOf(recovered, clock)) writer.outcome(gap);

  return {
    journal: writer,
    directory,
    recovered,
    position: writer.position,
    sync: writer.sync,
    retire: (beforeMs, keepFrom) =>
      retireSegments({ directory, files, clock, writer, beforeMs, keepFrom }),
  };
}

/** Names the end, without the mark of a clean stop: a loss of power before the next head is noticed. */
function headOf(recovered: Recovered): Head {
  const { end, lastTimeMs } = recovered;
  const time = lastTimeMs === null ? null : formatTime(lastTimeMs);
  // A segment that has no line yet does not hold the last one.
  const segment = end.offset === 0 && end.seq > 0 ? end.segment - 1 : end.segment;
  return { seq: end.seq, hash: end.prevHash, segment, time };
}

/**
 * Cuts the torn end off and puts all that is there on disk; only then the head says so.
 *
 * @returns the line that the head names now; -1 where a full disk kept it from being written.
 */
async function makeWhole(
  disk: Pick<WriterOptions, "files" | "directory" | "onFault">,
  found: { readonly head: Head; readonly end: Position; readonly bootId: string | null },
): Promise<number> {
  const { files, directory } = disk;
  try {
    await cutAndSync(files, segmentPath(directory, found.end.segment), found.end.offset);
    await writeHead(files, directory, found.head);
    if (found.bootId !== null) await keepBootId(files, directory, found.bootId);
    for (const path of [directory, dirname(directory), dirname(dirname(directory))]) {
      await files.syncDirectory(path);
    }
    return found.head.seq;
  } catch (error) {
    if (!isFull(error)) throw error;
    disk.onFault({ level: "error", message: describeFault("write", directory, error) });
    return -1;
  }
}

async function cutAndSync(files: FileLayer, path: string, end: number): Promise<void> {
  const descriptor = files.open(path);
  try {
    if (files.sizeBytes(descriptor) !== end) files.truncate(descriptor, end);
    await files.sync(descriptor);
  } finally {
    files.close(descriptor);
  }
}

function gapsOf(recovered: Recovered, clock: Clock): GapRecord[] {
  const { headLost, powerLost, torn, end } = recovered;
  const time = formatTime(Math.max(clock.wallMs(), recovered.lastTimeMs ?? 0));
  const gap = (reason: GapRecord["reason"], detail: string): GapRecord[] => [
    { type: "gap", time, reason, detail },
  ];
  return [
    ...(headLost === null
      ? []
      : gap("file_lost", `${headLost}; nothing vouches that seq ${end.seq} was the last`)),
    ...(powerLost
      ? gap(
          "power_loss",
          "the machine went down without a clean stop; its last second may be missing",
        )
      : []),
    ...(torn === null
      ? []
      : gap(
          "torn_line",
          `cut ${torn.bytes} bytes off at byte ${torn.offset} of ${basename(torn.file)}: ${torn.what}`,
        )),
  ];
}
