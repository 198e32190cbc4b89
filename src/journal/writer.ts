/** Writes the journal: one write(2) for all records of an event-loop turn, intents only when durable. */
import { formatTime, systemClock, type Clock } from "../core/time.ts";
import { composeBatch } from "./batch.ts";
import { describeFault, isFull } from "./disk-fault.ts";
import type { FileLayer } from "./file-layer.ts";
import type { Head } from "./head.ts";
import { HeadKeeper } from "./head-keeper.ts";
import { Health } from "./health.ts";
import type { JournalFault } from "./health.ts";
import { JournalUnavailable } from "./journal.ts";
import type { Journal } from "./journal.ts";
import { OpenSegment } from "./open-segment.ts";
import type { Position } from "./position.ts";
import { outcomesOf, RecordQueue, waitersOf } from "./queue.ts";
import type { Entry, Waiter } from "./queue.ts";
import type { JournalRecord } from "./record.ts";
import { Reserve } from "./reserve.ts";

export interface WriterOptions {
  readonly directory: string;
  readonly durability: "os" | "disk";
  readonly segmentBytes: number;
  readonly reserveBytes: number;
  readonly clock: Clock;
  readonly files: FileLayer;
  readonly onFault: (fault: JournalFault) => void;
  /** The end of what is there; all of it is on disk. */
  readonly start: Position;
  /** Names the last line there; `headSeq` is -1 where it could not be written. */
  readonly head: Head;
  readonly headSeq: number;
}

/** Bounds one write, so that a long queue after a full disk does not stop the event loop. */
const BATCH_RECORDS_MAX = 1000;
/** The contract allows a second between two heads; half of it leaves the other half to a slow disk. */
const SYNC_INTERVAL_MS = 500;
/** How long a stop waits for a disk that refuses. */
const CLOSE_PATIENCE_MS = 2000;
const CLOSE_POLL_MS = 2;

/** The journal's only writer in this process; `open.ts` makes one, after recovery. */
export class JournalWriter implements Journal {
  readonly #options: WriterOptions;
  readonly #queue = new RecordQueue();
  readonly #health: Health;
  readonly #head: HeadKeeper;
  readonly #reserve: Reserve;
  readonly #listeners: (() => void)[] = [];
  #segment: OpenSegment;
  /** The last line in the file, and the last one that is on disk: what the head may name. */
  #written: Head;
  #synced: Head;
  /** A batch between its write and its sync. */
  #committing: readonly Entry[] = [];
  /** Intents of a failed batch whose bytes could not be cut off yet: no answer to them would be true. */
  readonly #doomed: Waiter[] = [];
  /** The segment's last sync failed under `disk`: the next line goes into a new segment. */
  #renewalDue = false;
  #scheduled = false;
  /** Asynchronous work is under way that no write may overlap. */
  #busy = false;
  #ticking: Promise<void> | null = null;
  #tickTimer: NodeJS.Timeout | null = null;
  #phase: "open" | "closing" | "closed" = "open";

  constructor(options: WriterOptions) {
    const { files, directory, start, onFault } = options;
    this.#options = options;
    this.#segment = new OpenSegment(files, directory, {
      segment: start.segment,
      end: start.offset,
    });
    this.#written = options.head;
    this.#synced = options.head;
    this.#head = new HeadKeeper(files, directory, { seq: options.headSeq, onFault });
    this.#health = new Health(onFault, () => this.#retry());
    this.#reserve = new Reserve(files, directory, options.reserveBytes);
    try {
      this.#reserve.restore();
    } catch (error) {
      this.#health.fail("outcomes_only", describeFault("write", this.#reserve.path, error));
    }
    if (options.headSeq !== start.seq) this.#armTick();
  }

  readonly intent = (record: JournalRecord): Promise<void> => {
    const reason = this.unavailable();
    if (reason !== null) return Promise.reject(new JournalUnavailable(reason));
    return new Promise((resolve, reject) => {
      this.#queue.push(this.#entry(record, { resolve, reject }));
      this.#schedule();
    });
  };

  readonly outcome = (record: JournalRecord): void => {
    if (this.#phase === "closed") {
      const message = `a ${record.type} record came after the journal was closed and is not written`;
      this.#options.onFault({ level: "error", message });
      return;
    }
    const entry = this.#entry(record, null);
    // Refusals move no money, and a fleet against a full disk makes them by the thousand: the reserve
    // is for what does.
    if (this.#health.state !== "sound" && record.type === "refuse") {
      this.#queue.defer(entry);
      return;
    }
    this.#queue.push(entry);
    this.#schedule();
  };

  readonly unavailable = (): string | null =>
    this.#phase === "open" ? this.#health.reason : "the journal is closed";

  readonly writtenSeq = (): number => this.#published().seq;

  readonly appendedSeq = (): number => this.#written.seq + this.#queue.size;

  readonly writtenHash = (): string => this.#published().hash;

  readonly writtenTime = (): string | null => this.#published().time;

  readonly lagMs = (): number => {
    const oldestMs = this.#committing[0]?.queuedMs ?? this.#queue.oldestMs;
    return oldestMs === null ? 0 : Math.max(0, this.#options.clock.monotonicMs() - oldestMs);
  };

  readonly onWritten = (listener: () => void): void => {
    this.#listeners.push(listener);
  };

  /** The end of the journal; null while a record waits, for then memory is ahead of the file. */
  readonly position = (): Position | null => {
    if (this.#queue.size > 0 || this.#committing.length > 0) return null;
    const { seq, hash } = this.#written;
    return { segment: this.#segment.number, offset: this.#segment.end, seq, prevHash: hash };
  };

  /**
   * Resolves when every line written so far is on disk and the head names it or a later one.
   *
   * @throws JournalUnavailable where the disk refuses.
   */
  readonly sync = async (): Promise<void> => {
    const { seq } = this.#published();
    while (this.#head.seq < seq) {
      if (this.#phase === "closed") throw new JournalUnavailable("the journal is closed");
      this.#startTick();
      await (this.#ticking ?? sleep(CLOSE_POLL_MS));
      const reason = this.#health.reason ?? this.#head.reason;
      if (this.#head.seq < seq && reason !== null) throw new JournalUnavailable(reason);
    }
  };

  readonly close = async (): Promise<void> => {
    if (this.#phase !== "open") return;
    this.#phase = "closing";
    const deadlineMs = systemClock.monotonicMs() + CLOSE_PATIENCE_MS;
    await this.#drain(deadlineMs);
    this.#releaseDeferred();
    await this.#drain(deadlineMs);
    while (this.#busy) await sleep(CLOSE_POLL_MS);
    await this.#ticking;
    await this.#end();
  };

  #entry(record: JournalRecord, waiter: Waiter | null): Entry {
    const queuedMs = this.#options.clock.monotonicMs();
    return { json: JSON.stringify(record), time: record.time, queuedMs, waiter };
  }

  #published(): Head {
    return this.#options.durability === "os" ? this.#written : this.#synced;
  }

  #schedule(): void {
    if (this.#scheduled || this.#busy) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#busy || this.#phase === "closed" || this.#queue.ready === 0) return;
    if (this.#health.state === "broken" && !this.#mended()) return;
    if (this.#health.state === "sound" && this.#isFullSegment()) {
      this.#exclusively(() => this.#rotate());
      return;
    }
    this.#writeBatch();
  }

  #isFullSegment(): boolean {
    return this.#segment.end >= this.#options.segmentBytes;
  }

  #writeBatch(): void {
    const entries = this.#queue.take(BATCH_RECORDS_MAX);
    const place = this.#segment.end === 0 ? "first" : "later";
    const batch = composeBatch(entries, this.#written, place);
    try {
      this.#segment.append(batch.bytes);
    } catch (error) {
      this.#writeFailed(entries, error);
      return;
    }
    this.#written = { ...batch.last, segment: this.#segment.number };
    if (this.#options.durability === "disk") {
      this.#committing = entries;
      this.#exclusively(() => this.#commit(entries));
      return;
    }
    this.#publish(entries);
    if (this.#queue.ready > 0) this.#schedule();
  }

  #writeFailed(entries: readonly Entry[], error: unknown): void {
    const { path, damaged } = this.#segment;
    this.#takeBack(entries, describeFault("write", path, error));
    if (!isFull(error) || damaged || !this.#reserve.release()) return;
    this.#health.tryOutcomes();
    this.#schedule();
  }

  async #commit(entries: readonly Entry[]): Promise<void> {
    try {
      await this.#syncSegment();
      this.#committing = [];
    } catch (error) {
      this.#committing = [];
      this.#renewalDue = true;
      this.#written = this.#synced;
      this.#segment.discardUnsynced();
      this.#takeBack(entries, describeFault("sync", this.#segment.path, error));
      return;
    }
    this.#publish(entries);
  }

  #publish(entries: readonly Entry[]): void {
    for (const entry of entries) entry.waiter?.resolve();
    for (const listener of this.#listeners) listener();
    this.#armTick();
  }

  /** Outcomes come first again; intents are told, as soon as what they are told is certain. */
  #takeBack(entries: readonly Entry[], reason: string): void {
    this.#queue.putBack(outcomesOf(entries));
    this.#doomed.push(...waitersOf(entries));
    const isTorn = this.#segment.damaged;
    this.#fail("broken", isTorn ? `${reason}; its torn end could not be cut off yet` : reason);
    if (!isTorn) this.#rejectDoomed();
  }

  #fail(state: "outcomes_only" | "broken", reason: string): void {
    this.#health.fail(state, reason);
    // Nothing of these is in the file, whatever state that is in.
    for (const waiter of this.#queue.removeIntents()) waiter.reject(new JournalUnavailable(reason));
  }

  #rejectDoomed(): void {
    const reason = this.#health.reason ?? "the journal was unavailable for a moment";
    for (const waiter of this.#doomed.splice(0)) waiter.reject(new JournalUnavailable(reason));
  }

  /** What can be repaired at once, before another try at the queued outcomes. */
  #mended(): boolean {
    if (this.#renewalDue) return false;
    if (this.#segment.damaged && !this.#repaired()) return false;
    this.#health.tryOutcomes();
    return true;
  }

  #repaired(): boolean {
    try {
      this.#segment.repair();
    } catch (error) {
      this.#fail("broken", describeFault("cut the torn end off", this.#segment.path, error));
      return false;
    }
    this.#rejectDoomed();
    return true;
  }

  #retry(): "tried" | "later" {
    if (this.#busy) return "later";
    this.#exclusively(() => this.#recover());
    return "tried";
  }

  /** Goes through everything that may be wrong; past its end intents are written again. */
  async #recover(): Promise<void> {
    if (this.#segment.damaged && !this.#repaired()) return;
    let path = this.#segment.path;
    try {
      if (!this.#segment.isSynced) await this.#syncSegment();
      if (this.#renewalDue || this.#isFullSegment()) await this.#openNext();
      this.#renewalDue = false;
      path = this.#reserve.path;
      this.#reserve.restore();
    } catch (error) {
      const state = this.#renewalDue ? "broken" : "outcomes_only";
      this.#fail(state, describeFault("write", path, error));
      return;
    }
    this.#health.heal();
    this.#releaseDeferred();
  }

  #releaseDeferred(): void {
    const dropped = this.#queue.releaseDeferred();
    if (dropped === 0) return;
    this.outcome({
      type: "gap",
      time: formatTime(this.#options.clock.wallMs()),
      reason: "disk_full",
      detail: `${dropped} records of refused requests could not be kept while the journal was unavailable`,
    });
  }

  /** Nothing of a segment may be missing once the next one has a line, so it is synced first. */
  async #rotate(): Promise<void> {
    try {
      await this.#syncSegment();
      await this.#openNext();
    } catch (error) {
      this.#fail("outcomes_only", describeFault("end", this.#segment.path, error));
    }
  }

  async #openNext(): Promise<void> {
    const { files, directory } = this.#options;
    const before = this.#segment;
    // A failed sync may have left nothing in it: then it is still the next one.
    const segment = before.end === 0 ? before.number : before.number + 1;
    const next = new OpenSegment(files, directory, { segment, end: 0 });
    try {
      await files.syncDirectory(directory);
    } catch (error) {
      next.close();
      throw error;
    }
    before.close();
    this.#segment = next;
  }

  async #syncSegment(): Promise<void> {
    const mark = this.#written;
    await this.#segment.sync();
    this.#synced = mark;
  }

  #exclusively(work: () => Promise<void>): void {
    this.#busy = true;
    const run = async (): Promise<void> => {
      // Both would sync the same segment; under `disk` the tick never does.
      if (this.#options.durability === "os") await this.#ticking;
      await work();
      this.#busy = false;
      this.#turn();
    };
    void run();
  }

  #armTick(): void {
    if (this.#tickTimer !== null || this.#phase === "closed") return;
    this.#tickTimer = setTimeout(() => {
      this.#tickTimer = null;
      this.#startTick();
      if (this.#ticking === null) this.#armTick();
    }, SYNC_INTERVAL_MS).unref();
  }

  #startTick(): void {
    if (this.#ticking !== null || this.#phase === "closed") return;
    if (this.#busy && this.#options.durability === "os") return;
    this.#ticking = this.#tick();
  }

  /** Syncs under `os`, then lets the head name what is on disk. Never rejects. */
  async #tick(): Promise<void> {
    try {
      if (this.#options.durability === "os") await this.#syncSegment();
      await this.#head.write(this.#synced);
    } catch (error) {
      this.#fail("outcomes_only", describeFault("sync", this.#segment.path, error));
    }
    this.#ticking = null;
    if (this.#head.seq !== this.#published().seq) this.#armTick();
  }

  async #drain(deadlineMs: number): Promise<void> {
    this.#turn();
    while ((this.#queue.ready > 0 || this.#busy) && systemClock.monotonicMs() < deadlineMs) {
      await sleep(CLOSE_POLL_MS);
      if (this.#health.state !== "broken") this.#turn();
    }
  }

  async #end(): Promise<void> {
    this.#phase = "closed";
    // A tick that fired from here on would write the head beside us.
    if (this.#tickTimer !== null) clearTimeout(this.#tickTimer);
    const unwritten = this.#queue.size;
    const isClean = unwritten === 0 && !this.#segment.damaged;
    try {
      await this.#syncSegment();
      await this.#head.write({ ...this.#synced, ...(isClean ? { clean: true } : {}) });
    } catch (error) {
      this.#fail("broken", describeFault("sync", this.#segment.path, error));
    }
    this.#rejectDoomed();
    this.#health.stop();
    this.#segment.close();
    if (unwritten === 0) return;
    const reason = this.#health.reason ?? "the disk was too slow";
    throw new JournalUnavailable(
      `${unwritten} records were not written before the stop: ${reason}`,
    );
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
