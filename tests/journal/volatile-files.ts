/** A disk that loses what was not synced when its power is cut, in the two ways in which disks do. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { nodeFiles } from "../../src/journal/file-layer.ts";
import type { FileLayer } from "../../src/journal/file-layer.ts";

interface Inode {
  durable: Buffer;
}

const BLOCK_BYTES = 100;

export class VolatileFiles {
  /** Called before each operation; may cut the power. */
  onOperation: () => void = () => {};
  /** What the running system sees, and what the disk would show. */
  readonly #names = new Map<string, Inode>();
  readonly #durableNames = new Map<string, Inode>();
  readonly #open = new Map<number, Inode>();
  #isOff = false;

  readonly layer: FileLayer = {
    open: (path) => {
      this.#enter();
      const inode = this.#names.get(path) ?? this.#adopt(path);
      const descriptor = nodeFiles.open(path);
      this.#open.set(descriptor, inode);
      return descriptor;
    },
    close: nodeFiles.close,
    sizeBytes: nodeFiles.sizeBytes,
    write: (descriptor, bytes, position) => {
      this.#enter();
      return nodeFiles.write(descriptor, bytes, position);
    },
    truncate: (descriptor, lengthBytes) => {
      this.#enter();
      nodeFiles.truncate(descriptor, lengthBytes);
    },
    sync: async (descriptor) => {
      this.#enter();
      const content = readFileSync(`/proc/self/fd/${descriptor}`);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      this.#enter();
      const inode = this.#open.get(descriptor);
      if (inode !== undefined) inode.durable = content;
    },
    rename: (from, to) => {
      this.#enter();
      nodeFiles.rename(from, to);
      const inode = this.#names.get(from);
      this.#names.delete(from);
      if (inode !== undefined) this.#names.set(to, inode);
    },
    unlink: (path) => {
      this.#enter();
      nodeFiles.unlink(path);
      this.#names.delete(path);
    },
    syncDirectory: async (directory) => {
      this.#enter();
      const isInside = (path: string): boolean => dirname(path) === directory;
      for (const path of [...this.#durableNames.keys()].filter(isInside)) {
        if (!this.#names.has(path)) this.#durableNames.delete(path);
      }
      for (const [path, inode] of this.#names) {
        if (isInside(path)) this.#durableNames.set(path, inode);
      }
    },
  };

  /**
   * Leaves what a machine would find after a loss of power. `drop`: nothing that was not synced.
   * `scatter`: each file's full length, with zeros in some of the places that were not synced.
   *
   * @param random Numbers from 0 to 1.
   */
  cutPower(manner: "drop" | "scatter", random: () => number): void {
    if (this.#isOff) return;
    this.#isOff = true;
    const seen = new Map([...this.#names.keys()].map((path) => [path, readFileSync(path)]));
    for (const path of this.#names.keys()) rmSync(path);
    for (const [path, inode] of this.#durableNames) {
      const visible = this.#names.get(path) === inode ? seen.get(path) : undefined;
      const isScattered = manner === "scatter" && visible !== undefined;
      writeFileSync(path, isScattered ? scattered(inode.durable, visible, random) : inode.durable);
    }
  }

  #enter(): void {
    this.onOperation();
    if (this.#isOff) throw new Error("the machine is off");
  }

  #adopt(path: string): Inode {
    const isThere = existsSync(path);
    const inode = { durable: isThere ? readFileSync(path) : Buffer.alloc(0) };
    this.#names.set(path, inode);
    if (isThere) this.#durableNames.set(path, inode);
    return inode;
  }
}

function scattered(durable: Buffer, visible: Buffer, random: () => number): Buffer {
  if (visible.length <= durable.length) return durable;
  const content = Buffer.from(visible);
  for (let at = durable.length; at < content.length; at += BLOCK_BYTES) {
    if (random() < 0.5) content.fill(0, at, Math.min(at + BLOCK_BYTES, content.length));
  }
  return content;
}
