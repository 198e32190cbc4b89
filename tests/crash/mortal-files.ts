/** The real disk under a process that dies at a chosen operation: nothing that it does later leaves a trace. */
import { nodeFiles, type FileLayer } from "../../src/journal/file-layer.ts";

/** Counted from 1 over all operations that change a file or make it last. */
export interface Death {
  readonly operation: number;
  /** `torn`: a write leaves its first half; other operations have no halves. */
  readonly moment: "before" | "torn" | "after";
}

/** What an operation throws once the process is gone. */
class Dead extends Error {
  override readonly name = "Dead";
}

export class MortalFiles {
  /** "open 00000001.ndjson", in order, as far as the process came. */
  readonly calls: string[] = [];
  readonly #death: Death | null;
  readonly #paths = new Map<number, string>();
  readonly #died = Promise.withResolvers<void>();
  #isDead = false;

  /** @param death Null: it lives on. */
  constructor(death: Death | null) {
    this.#death = death;
  }

  /** Resolves at the death. */
  get died(): Promise<void> {
    return this.#died.promise;
  }

  readonly layer: FileLayer = {
    open: (path) => {
      const descriptor = this.#perform("open", path, { whole: () => nodeFiles.open(path) });
      this.#paths.set(descriptor, path);
      return descriptor;
    },
    close: (descriptor) => {
      if (!this.#paths.delete(descriptor)) return;
      nodeFiles.close(descriptor);
    },
    sizeBytes: (descriptor) => {
      if (this.#isDead) throw new Dead();
      return nodeFiles.sizeBytes(descriptor);
    },
    write: (descriptor, bytes, position) =>
      this.#perform("write", this.#path(descriptor), {
        whole: () => nodeFiles.write(descriptor, bytes, position),
        half: () => {
          nodeFiles.write(descriptor, bytes.subarray(0, Math.ceil(bytes.length / 2)), position);
        },
      }),
    truncate: (descriptor, lengthBytes) =>
      this.#perform("truncate", this.#path(descriptor), {
        whole: () => nodeFiles.truncate(descriptor, lengthBytes),
      }),
    rename: (from, to) => this.#perform("rename", to, { whole: () => nodeFiles.rename(from, to) }),
    unlink: (path) => this.#perform("unlink", path, { whole: () => nodeFiles.unlink(path) }),
    // A killed process loses no page of the system's cache: only the moment matters.
    sync: async (descriptor) => {
      await Promise.resolve();
      this.#perform("sync", this.#path(descriptor), { whole: () => undefined });
    },
    syncDirectory: async (path) => {
      await Promise.resolve();
      this.#perform("sync directory", path, { whole: () => undefined });
    },
  };

  #path(descriptor: number): string {
    return this.#paths.get(descriptor) ?? "";
  }

  #perform<Result>(
    operation: string,
    path: string,
    act: { readonly whole: () => Result; readonly half?: () => void },
  ): Result {
    if (this.#isDead) throw new Dead();
    this.calls.push(`${operation} ${path.split("/").at(-1)}`);
    if (this.calls.length !== this.#death?.operation) return act.whole();
    if (this.#death.moment === "after") act.whole();
    if (this.#death.moment === "torn") act.half?.();
    return this.#die();
  }

  #die(): never {
    this.#isDead = true;
    for (const descriptor of this.#paths.keys()) nodeFiles.close(descriptor);
    this.#paths.clear();
    this.#died.resolve();
    throw new Dead();
  }
}
