/** The port through which everything else writes the journal, and what a write promises. */
import type { JournalRecord } from "./record.ts";

/** Thrown to whoever awaits an intent that could not be made durable; it is certainly not written. */
export class JournalUnavailable extends Error {
  override readonly name = "JournalUnavailable";
}

export interface Journal {
  /**
   * Writes a record that must be durable before something happens ("admit").
   *
   * @returns resolves once durable in the sense of `journal.durability`.
   * @throws JournalUnavailable where it is not in the file and never will be.
   */
  readonly intent: (record: JournalRecord) => Promise<void>;
  /** Writes a record of something that has happened; kept in order and retried until it is written. */
  readonly outcome: (record: JournalRecord) => void;
  /** Null while records can be written; else the reason in one sentence. */
  readonly unavailable: () => string | null;
  /** Sequence number of the last line that write(2) has returned for. 0: none. */
  readonly writtenSeq: () => number;
  /** The sequence number that the last record given so far will have, unless the disk fails before. */
  readonly appendedSeq: () => number;
  /** Hash (hex SHA-256) of that line, or 64 zeros. */
  readonly writtenHash: () => string;
  /** Time of that line or of a later one written before; null: there is none. */
  readonly writtenTime: () => string | null;
  /** Milliseconds that the oldest unwritten record has waited; 0 where there is none. */
  readonly lagMs: () => number;
  /** Calls back, at most once an event-loop turn, after lines were written. */
  readonly onWritten: (listener: () => void) => void;
  /** Writes all that is queued, syncs, writes the head, closes. */
  readonly close: () => Promise<void>;
}
