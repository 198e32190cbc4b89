/** Which calls with an `Idempotency-Key` have made their changes: folded from the journal, so that a start knows it. */
import type { AdminChangeRecord, CorrectionRecord } from "../journal/record.ts";

/** A call that was carried out. */
export interface DoneCall {
  /** Digest of its body. */
  readonly request: string;
  /** What it changed, in order: ids of entities, or of the request whose charge was corrected. */
  readonly ids: readonly string[];
}

interface Kept {
  readonly request: string;
  readonly timeMs: number;
  readonly of: number;
  readonly ids: string[];
}

const REMEMBERED_MS = 24 * 3_600_000;
const IDS_MAX = 20_000;

/** Remembers calls for 24 hours, or until 20,000 newer changes have come. */
export class Repeats {
  readonly #calls = new Map<string, Kept>();
  #idCount = 0;

  /** Applies one record; those without a mark change nothing here. */
  apply(record: AdminChangeRecord | CorrectionRecord): void {
    const { idempotency: mark, time } = record;
    if (mark === undefined) return;
    const { number, of } = mark.part ?? { number: 1, of: 1 };
    if (number === 1) {
      this.#forget(mark.key);
      this.#calls.set(mark.key, { request: mark.request, timeMs: Date.parse(time), of, ids: [] });
    }
    const kept = this.#calls.get(mark.key);
    // A part before this one was not written: the call was not carried out.
    if (kept?.ids.length !== number - 1) return;
    kept.ids.push(record.type === "correction" ? record.request : record.id);
    this.#idCount++;
    this.#prune();
  }

  /** The call of this key's digest; null: none in the last 24 hours, or only a part of it was written. */
  find(key: string, nowMs: number): DoneCall | null {
    const kept = this.#calls.get(key);
    if (kept === undefined || kept.ids.length < kept.of) return null;
    return nowMs < kept.timeMs + REMEMBERED_MS ? { request: kept.request, ids: kept.ids } : null;
  }

  snapshot(): unknown {
    return [...this.#calls];
  }

  /** What `snapshot` gave, after a way through JSON. */
  static restore(saved: unknown): Repeats {
    const repeats = new Repeats();
    for (const [key, kept] of saved as [string, Kept][]) {
      repeats.#calls.set(key, kept);
      repeats.#idCount += kept.ids.length;
    }
    return repeats;
  }

  /** Maps keep the order of insertion, so the oldest are at the front; the newest always stays. */
  #prune(): void {
    for (const key of this.#calls.keys()) {
      if (this.#idCount <= IDS_MAX || this.#calls.size === 1) return;
      this.#forget(key);
    }
  }

  #forget(key: string): void {
    this.#idCount -= this.#calls.get(key)?.ids.length ?? 0;
    this.#calls.delete(key);
  }
}
