/** Saves what the node remembers now and then, so that a start replays little; and ends old segments. */
import type { Log } from "../gateway/ports.ts";
import { saveSnapshot } from "../journal/snapshot.ts";
import type { Position } from "../journal/position.ts";
import type { OpenNode } from "./open-node.ts";
import { saveState } from "./state.ts";

const LINES_BETWEEN = 50_000;
const CHECK_INTERVAL_MS = 5_000;
/** Waits for a moment without queued records; under steady load one comes within a few turns. */
const TRIES = 200;

export class Snapshots {
  readonly #node: OpenNode;
  readonly #dataDir: string;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #saved: Position | null = null;
  #savedSeq: number;
  #saving: Promise<void> | null = null;

  constructor(node: OpenNode, dataDir: string, log: Log) {
    this.#node = node;
    this.#dataDir = dataDir;
    this.#log = log;
    this.#savedSeq = node.journal.writtenSeq();
    this.#timer = setInterval(() => this.#check(), CHECK_INTERVAL_MS).unref();
  }

  /** Of the last snapshot of this process; null: it has saved none yet. */
  savedPosition(): Position | null {
    return this.#saved;
  }

  #check(): void {
    if (this.#node.journal.writtenSeq() - this.#savedSeq < LINES_BETWEEN) return;
    void this.save();
  }

  /** Saves a snapshot now. A failure costs only a longer replay: it is logged. */
  save(): Promise<void> {
    this.#saving ??= this.#save()
      .catch((error: unknown) => {
        this.#log.warn("no snapshot was saved; the next start replays more of the journal", {
          error: String(error),
        });
      })
      .finally(() => {
        this.#saving = null;
      });
    return this.#saving;
  }

  async #save(): Promise<void> {
    const { opened, state } = this.#node;
    for (let tries = 0; tries < TRIES; tries++) {
      const position = opened.position();
      if (position !== null) {
        // Serialised in this turn, or state and position would not belong together.
        const saved: unknown = JSON.parse(JSON.stringify(saveState(state)));
        await opened.sync();
        await saveSnapshot(this.#dataDir, { position, state: saved });
        this.#saved = position;
        this.#savedSeq = position.seq;
        return;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.save();
  }
}
