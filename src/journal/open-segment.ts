/** The one segment that is being written: appends whole batches or nothing, and knows what is on disk. */
import type { FileLayer } from "./file-layer.ts";
import { segmentPath } from "./layout.ts";
import { writeWhole } from "./replace-file.ts";

export class OpenSegment {
  readonly number: number;
  readonly path: string;
  readonly #files: FileLayer;
  #descriptor: number;
  /** Where the next line goes; everything before is whole lines. */
  #end: number;
  #syncedEnd: number;
  /** The bytes from #syncedEnd to #end: what a failed sync may have lost from the system's cache. */
  #unsynced: Buffer[] = [];
  /** Bytes of a failed write may lie behind #end. */
  #damaged = false;
  #syncFailed = false;

  /** Opens or makes the file; its whole lines end at `end`, and all of them are on disk. */
  constructor(
    files: FileLayer,
    directory: string,
    at: { readonly segment: number; readonly end: number },
  ) {
    this.number = at.segment;
    this.path = segmentPath(directory, at.segment);
    this.#files = files;
    this.#descriptor = files.open(this.path);
    this.#end = at.end;
    this.#syncedEnd = at.end;
  }

  get end(): number {
    return this.#end;
  }

  /** True while the file may hold bytes behind its end; `repair` comes before any further write. */
  get damaged(): boolean {
    return this.#damaged;
  }

  /** True from a failed sync to the next one that succeeds. */
  get syncFailed(): boolean {
    return this.#syncFailed;
  }

  get isSynced(): boolean {
    return this.#syncedEnd === this.#end && !this.#syncFailed;
  }

  /**
   * Writes `bytes` (whole lines; kept until synced) at the end: all of them, or none.
   *
   * @throws the system's error. The bytes are not in the file, unless `damaged`: then they may be until
   * `repair` has returned.
   */
  append(bytes: Buffer): void {
    try {
      writeWhole(this.#files, this.#descriptor, { bytes, position: this.#end });
    } catch (error) {
      this.#cutBehindEnd();
      throw error;
    }
    this.#end += bytes.length;
    this.#unsynced.push(bytes);
  }

  /** Opens the file anew and cuts off what lies behind its end. @throws the system's error. */
  repair(): void {
    const descriptor = this.#files.open(this.path);
    this.#files.close(this.#descriptor);
    this.#descriptor = descriptor;
    this.#files.truncate(descriptor, this.#end);
    this.#damaged = false;
  }

  /**
   * Puts everything written so far on disk. Calls must not overlap.
   *
   * After a failure the system may have dropped the bytes and call them clean, so the next call writes
   * them again before it syncs.
   */
  async sync(): Promise<void> {
    if (this.#syncFailed) this.#rewrite();
    const end = this.#end;
    const buffers = this.#unsynced.length;
    try {
      await this.#files.sync(this.#descriptor);
    } catch (error) {
      this.#syncFailed = true;
      throw error;
    }
    this.#syncFailed = false;
    this.#syncedEnd = end;
    this.#unsynced.splice(0, buffers);
  }

  /** Cuts off what was never synced. Where that fails the segment is `damaged`. */
  discardUnsynced(): void {
    this.#end = this.#syncedEnd;
    this.#unsynced = [];
    this.#cutBehindEnd();
  }

  close(): void {
    this.#files.close(this.#descriptor);
  }

  #rewrite(): void {
    let position = this.#syncedEnd;
    for (const bytes of this.#unsynced) {
      writeWhole(this.#files, this.#descriptor, { bytes, position });
      position += bytes.length;
    }
  }

  #cutBehindEnd(): void {
    try {
      // A disk gone read-only refuses this too; where nothing was written there is nothing to cut.
      if (this.#files.sizeBytes(this.#descriptor) === this.#end) return;
      this.#files.truncate(this.#descriptor, this.#end);
    } catch {
      // The fault that led here is the one to tell; this one leaves a mark that stops all writing.
      this.#damaged = true;
    }
  }
}
