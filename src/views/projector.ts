/** Brings the views up to the journal, a batch of lines in each transaction, and heals them. */
import { setImmediate } from "node:timers/promises";
import type { DatabaseSync } from "node:sqlite";
import type { Kysely } from "kysely";
import { misplaced } from "../journal/position.ts";
import type { Position } from "../journal/position.ts";
import { readJournal } from "../journal/read.ts";
import type { ReadEnd } from "../journal/read.ts";
import type { WrittenRecord } from "../journal/record.ts";
import { pruneRows } from "../store/prune.ts";
import type { ViewsTables } from "../store/schema.ts";
import { isDatabaseFault, isFileFault, queryBuilder } from "../store/sqlite.ts";
import { openViewsFile, removeViewsFile } from "../store/views-file.ts";
import { createWriter } from "../store/writer.ts";
import type { ViewsWriter } from "../store/writer.ts";
import { FaultyRecord } from "./faulty-record.ts";
import { createFold } from "./fold.ts";
import type { Fold } from "./fold.ts";
import { quarterOf } from "./quarter-sums.ts";

export interface ProjectorOptions {
  /** Of the database. */
  readonly file: string;
  /** Where the node's segments are. */
  readonly journalDirectory: string;
  readonly warn: (message: string) => void;
}

export interface Projector {
  readonly db: () => Kysely<ViewsTables>;
  /** Behind the last line that is in the views; null before the first. */
  readonly position: () => Position | null;
  /** Lines that were left out, since the views were begun. */
  readonly skipped: () => number;
  /**
   * Applies the next lines, in one transaction, `untilSeq` at most.
   *
   * @returns "behind" while there is more.
   * @throws Error where the journal or the database cannot be read; the views are as before.
   */
  readonly step: (untilSeq: number) => "behind" | "done";
  /** Begins the views anew, empty. Where it throws they are closed. */
  readonly restart: () => void;
  readonly isOpen: () => boolean;
  /** Removes rows of requests before a moment; returns how many. The roll-ups stay. */
  readonly prune: (beforeMs: number) => Promise<number>;
  readonly close: () => void;
}

/** The journal does not continue what the views hold. */
export class JournalMismatch extends Error {
  override readonly name = "JournalMismatch";
}

/** Enough that a commit costs little for each, few enough that queries in between wait little. */
const BATCH_LINES = 2000;

interface Opened {
  readonly database: DatabaseSync;
  readonly db: Kysely<ViewsTables>;
  readonly writer: ViewsWriter;
  readonly fold: Fold;
  /** Null: before the first line. */
  position: Position | null;
  skipped: number;
}

/**
 * Opens the views. Where the journal lost lines that they hold (a power failure can do that) they
 * begin anew.
 *
 * @throws Error where the folder cannot be written or read.
 */
export function createProjector(options: ProjectorOptions): Projector {
  let opened = open(options);
  const restart = () => {
    opened.database.close();
    removeViewsFile(options.file);
    opened = open(options);
  };
  const lost = opened.position && misplaced(options.journalDirectory, opened.position);
  if (lost !== null) {
    options.warn(`the views are rebuilt from the journal, which is not the one they knew: ${lost}`);
    restart();
  }
  return {
    db: () => opened.db,
    position: () => opened.position,
    skipped: () => opened.skipped,
    step: (untilSeq) => step(opened, options, untilSeq),
    restart,
    isOpen: () => opened.database.isOpen,
    prune: (beforeMs) => pruneRows(opened.database, quarterOf(beforeMs), () => setImmediate()),
    close: () => opened.database.close(),
  };
}

function open({ file, warn }: ProjectorOptions): Opened {
  const { database, discarded } = openViewsFile(file);
  if (discarded !== null) warn(`the views are rebuilt from the journal: ${discarded}`);
  try {
    return assemble(database);
  } catch (cause) {
    database.close();
    if (!isFileFault(cause)) throw cause;
    warn(`the views are rebuilt from the journal: ${String(cause)}`);
    removeViewsFile(file);
    return assemble(openViewsFile(file).database);
  }
}

function assemble(database: DatabaseSync): Opened {
  const writer = createWriter(database);
  const position = database.prepare("SELECT value FROM meta WHERE key = 'position'").get()?.[
    "value"
  ];
  const skipped = database.prepare("SELECT total(records) AS records FROM skipped").get();
  return {
    database,
    db: queryBuilder<ViewsTables>(database),
    writer,
    fold: createFold(writer),
    position: typeof position === "string" ? (JSON.parse(position) as Position) : null,
    skipped: Number(skipped?.["records"]),
  };
}

function step(opened: Opened, options: ProjectorOptions, untilSeq: number): "behind" | "done" {
  const appliedSeq = opened.position?.seq ?? 0;
  const batchSeq = Math.min(untilSeq, appliedSeq + BATCH_LINES);
  const faulty = new Set<number>();
  const end = applyUnlessFaulty(opened, { ...options, batchSeq, faulty });
  if (end.position.seq >= batchSeq) return batchSeq < untilSeq ? "behind" : "done";
  // Everything was read. That is right only where no line was promised.
  if (untilSeq === Number.POSITIVE_INFINITY) return "done";
  const what = end.stop === null ? "" : ` (${end.stop.what})`;
  throw new JournalMismatch(
    `the journal ends at ${end.position.seq}, before its line ${untilSeq}${what}`,
  );
}

interface Batch extends ProjectorOptions {
  readonly batchSeq: number;
  /** Records of this batch that are counted and left out. */
  readonly faulty: Set<number>;
}

/** A record at fault may have been written in part: the batch is undone, and done again without it. */
function applyUnlessFaulty(opened: Opened, batch: Batch): ReadEnd {
  for (;;) {
    try {
      return applyBatch(opened, batch);
    } catch (cause) {
      opened.writer.rollback();
      opened.fold.reset();
      if (!(cause instanceof FaultyRecord)) throw cause;
      batch.faulty.add(cause.seq);
      batch.warn(`${cause.message}: ${String(cause.cause)}`);
    }
  }
}

function applyBatch(opened: Opened, batch: Batch): ReadEnd {
  const { writer, fold } = opened;
  let skipped = 0;
  writer.begin();
  const visit = (record: WrittenRecord): void => {
    const applied = batch.faulty.has(record.seq) ? "malformed" : applyOne(fold, record);
    if (applied === "applied") return;
    writer.skip(applied);
    skipped++;
  };
  const end = readJournal(batch.journalDirectory, opened.position, visit, {
    untilSeq: batch.batchSeq,
  });
  skipped += fold.flush();
  if (end.lines > 0) writer.setMeta("position", JSON.stringify(end.position));
  writer.commit();
  if (end.lines > 0) opened.position = end.position;
  opened.skipped += skipped;
  return end;
}

function applyOne(fold: Fold, record: WrittenRecord): ReturnType<Fold["apply"]> {
  try {
    return fold.apply(record);
  } catch (cause) {
    if (isDatabaseFault(cause) || cause instanceof FaultyRecord) throw cause;
    throw new FaultyRecord(record.seq, cause);
  }
}
