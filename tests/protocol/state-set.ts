/** A set of numbers above zero, for millions of them: a table with open addressing. */

const FIRST_SIZE = 2 ** 16;

export class StateSet {
  #table = new Float64Array(FIRST_SIZE);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns false where `value` was there already. */
  add(value: number): boolean {
    if (this.#size * 2 > this.#table.length) this.#grow();
    const slot = freeSlot(this.#table, value);
    if (slot === -1) return false;
    this.#table[slot] = value;
    this.#size += 1;
    return true;
  }

  #grow(): void {
    const grown = new Float64Array(this.#table.length * 2);
    for (const value of this.#table) if (value !== 0) grown[freeSlot(grown, value)] = value;
    this.#table = grown;
  }
}

/** Where `value` belongs; -1 where it is there. */
function freeSlot(table: Float64Array, value: number): number {
  const mask = table.length - 1;
  for (let slot = value % table.length; ; slot = (slot + 1) & mask) {
    if (table[slot] === value) return -1;
    if (table[slot] === 0) return slot;
  }
}
