/** Lets the head follow the journal; a head that cannot be written stops nothing. */
import { describeFault } from "./disk-fault.ts";
import type { FileLayer } from "./file-layer.ts";
import { headPath, writeHead } from "./head.ts";
import type { Head } from "./head.ts";
import type { JournalFault } from "./health.ts";

export class HeadKeeper {
  readonly #files: FileLayer;
  readonly #directory: string;
  readonly #onFault: (fault: JournalFault) => void;
  #seq: number;
  #reason: string | null = null;

  /** @param seq The line that the head names already. */
  constructor(
    files: FileLayer,
    directory: string,
    start: { readonly seq: number; readonly onFault: (fault: JournalFault) => void },
  ) {
    this.#files = files;
    this.#directory = directory;
    this.#onFault = start.onFault;
    this.#seq = start.seq;
  }

  /** Number of the line that the head names. */
  get seq(): number {
    return this.#seq;
  }

  /** Why the last try failed; null where it did not. */
  get reason(): string | null {
    return this.#reason;
  }

  /** Writes `head`, or tells why not, once until it works again: the old head still tells the truth. */
  async write(head: Head): Promise<void> {
    try {
      await writeHead(this.#files, this.#directory, head);
      this.#seq = head.seq;
      this.#reason = null;
    } catch (error) {
      const isNew = this.#reason === null;
      this.#reason = describeFault("write", headPath(this.#directory), error);
      if (isNew) this.#onFault({ level: "error", message: this.#reason });
    }
  }
}
