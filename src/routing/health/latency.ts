/** How long each provider takes to begin an answer with each model: a moving mean. */

/** The weight of the newest observation. */
const NEWEST = 0.2;
const ENTRIES_MAX = 1_000;

export type SavedLatency = readonly [name: string, meanMs: number];

export class Latencies {
  /** In order of first use; the oldest goes first. */
  readonly #means = new Map<string, number>();

  observe(provider: string, model: string, ms: number): void {
    const name = nameOf(provider, model);
    this.#means.set(name, movingMean(this.#means.get(name) ?? null, ms));
    if (this.#means.size <= ENTRIES_MAX) return;
    const oldest = this.#means.keys().next();
    if (oldest.done !== true) this.#means.delete(oldest.value);
  }

  of(provider: string, model: string): number | null {
    return this.#means.get(nameOf(provider, model)) ?? null;
  }

  saved(): readonly SavedLatency[] {
    return [...this.#means].map(([name, mean]) => [name, Math.round(mean)]);
  }

  restore(saved: readonly SavedLatency[]): void {
    for (const [name, mean] of saved.slice(0, ENTRIES_MAX)) this.#means.set(name, mean);
  }
}

/** The mean after one more observation; `mean` null: it is the first. */
export function movingMean(mean: number | null, observed: number): number {
  return mean === null ? observed : mean + NEWEST * (observed - mean);
}

/** Ids of providers hold no slash. */
function nameOf(provider: string, model: string): string {
  return `${provider}/${model}`;
}
