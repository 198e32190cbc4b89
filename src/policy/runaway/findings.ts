/** The latest findings of a node: a fold of the journal. */
import type { FindingRecord } from "../../journal/record.ts";

const FINDINGS_MAX = 1_000;

export class Findings {
  /** Oldest first. */
  #all: FindingRecord[];

  constructor(all: readonly FindingRecord[] = []) {
    this.#all = [...all];
  }

  static restore(saved: unknown): Findings {
    return new Findings((saved ?? []) as readonly FindingRecord[]);
  }

  apply(finding: FindingRecord): void {
    this.#all.push(finding);
    if (this.#all.length > FINDINGS_MAX) this.#all = this.#all.slice(-FINDINGS_MAX);
  }

  snapshot(): readonly FindingRecord[] {
    return this.#all;
  }

  /** Newest first. */
  list(): readonly FindingRecord[] {
    return this.#all.toReversed();
  }
}
