/** Room on disk that is given up when the disk is full, so that what has happened can still be written. */
import { randomFillSync } from "node:crypto";
import { join } from "node:path";
import type { FileLayer } from "./file-layer.ts";
import { writeWhole } from "./replace-file.ts";

const CHUNK_BYTES = 256 * 1024;
const PROBE_BYTES = 4096;

/** A file of bytes that were really written: a hole, or zeros on a compressing disk, would reserve nothing. */
export class Reserve {
  readonly path: string;
  readonly #files: FileLayer;
  readonly #bytes: number;
  #whole: boolean;

  constructor(files: FileLayer, directory: string, bytes: number) {
    this.path = join(directory, "reserve");
    this.#files = files;
    this.#bytes = bytes;
    this.#whole = false;
  }

  /**
   * Makes the reserve whole, or shows by a small write that the disk takes bytes where it is whole already.
   *
   * @throws the system's error; whatever part had been written is given back.
   */
  restore(): void {
    const descriptor = this.#files.open(this.path);
    try {
      if (this.#files.sizeBytes(descriptor) !== this.#bytes) this.#fill(descriptor);
      const probe = randomFillSync(Buffer.alloc(Math.min(PROBE_BYTES, this.#bytes)));
      writeWhole(this.#files, descriptor, { bytes: probe, position: 0 });
      this.#whole = true;
    } finally {
      this.#files.close(descriptor);
    }
  }

  /** Gives the room up. @returns false where there was none, or where it could not be given up. */
  release(): boolean {
    if (!this.#whole) return false;
    this.#whole = false;
    try {
      this.#empty();
      return true;
    } catch {
      // The writer is in trouble already and stays in it; `restore` says why at the next try.
      return false;
    }
  }

  #empty(): void {
    const descriptor = this.#files.open(this.path);
    try {
      this.#files.truncate(descriptor, 0);
    } finally {
      this.#files.close(descriptor);
    }
  }

  #fill(descriptor: number): void {
    try {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, this.#bytes));
      this.#files.truncate(descriptor, 0);
      for (let position = 0; position < this.#bytes; position += chunk.length) {
        const bytes = randomFillSync(chunk).subarray(0, this.#bytes - position);
        writeWhole(this.#files, descriptor, { bytes, position });
      }
    } catch (error) {
      this.#files.truncate(descriptor, 0);
      throw error;
    }
  }
}
