/** A node of the tree in which requests wait: a scope, a rank of one, or the key that they came with. */

/** A scope and its share among its siblings. */
export interface Share {
  readonly id: string;
  /** Above 0. */
  readonly weight: number;
}

/** One request that waits. */
export interface Entry<Item> {
  readonly item: Item;
  /** Entries of one line can be served by the same means: where one finds no room, none does. */
  readonly line: string;
  /** How much of the provider it takes, in usual requests. */
  readonly cost: number;
  /** Monotonic milliseconds; within a flow the oldest goes first. */
  readonly sinceMs: number;
  readonly leaf: Flow<Item>;
}

/** How a flow chooses among its children: by weight and what they had, or by rank. */
type Choice = "share" | "rank";

/** So often a waiting rank is passed over in favour of more urgent ones before it has a turn. */
const PASSED_MAX = 8;
/** Children that wait for nothing are kept only while they owe something; so many are looked at once. */
const IDLE_MAX = 64;

export class Flow<Item> {
  readonly parent: Flow<Item> | null;
  readonly id: string;
  readonly choice: Choice;
  readonly children = new Map<string, Flow<Item>>();
  /** Of a key's own flow, oldest first. */
  readonly entries: Entry<Item>[] = [];
  /** Of all that is below. */
  waiting = 0;
  weight: number;
  readonly #byLine = new Map<string, number>();
  /** Virtual time: the start of the child that was served last. */
  #virtual = 0;
  /** Where this flow's next request starts in its parent's virtual time. */
  #start = 0;
  #passed = 0;

  constructor(parent: Flow<Item> | null, { id, weight }: Share, choice: Choice) {
    this.parent = parent;
    this.id = id;
    this.weight = weight;
    this.choice = choice;
  }

  child(share: Share, choice: Choice): Flow<Item> {
    const known = this.children.get(share.id);
    if (known !== undefined) {
      known.weight = share.weight;
      return known;
    }
    if (this.children.size > IDLE_MAX) this.#forgetIdle();
    const fresh = new Flow<Item>(this, share, choice);
    this.children.set(share.id, fresh);
    return fresh;
  }

  /** One more waits below, in this line. */
  joined(line: string): void {
    // Who did not wait has saved nothing up.
    if (this.waiting === 0 && this.parent !== null)
      this.#start = Math.max(this.#start, this.parent.#virtual);
    this.waiting++;
    this.#byLine.set(line, (this.#byLine.get(line) ?? 0) + 1);
  }

  /** One fewer does. */
  left(line: string): void {
    this.waiting--;
    const rest = (this.#byLine.get(line) ?? 0) - 1;
    if (rest > 0) this.#byLine.set(line, rest);
    else this.#byLine.delete(line);
    if (this.waiting > 0) return;
    // Nobody competes any more: the next to come begin as equals.
    this.children.clear();
    this.#virtual = 0;
    this.#passed = 0;
  }

  /** Whether somebody waits below whose line is not shut. */
  isOpen(shut: ReadonlySet<string>): boolean {
    if (shut.size === 0) return this.waiting > 0;
    for (const line of this.#byLine.keys()) if (!shut.has(line)) return true;
    return false;
  }

  /** The child whose turn it is. */
  next(shut: ReadonlySet<string>): Flow<Item> | null {
    let best: Flow<Item> | null = null;
    for (const child of this.children.values()) {
      if (!child.isOpen(shut)) continue;
      if (best === null || this.#isBefore(child, best)) best = child;
    }
    return best;
  }

  #isBefore(child: Flow<Item>, other: Flow<Item>): boolean {
    if (this.choice === "share") return child.#start < other.#start;
    const isDue = child.#passed >= PASSED_MAX;
    if (isDue !== other.#passed >= PASSED_MAX) return isDue;
    return isDue ? child.id > other.id : child.id < other.id;
  }

  /** One request of `child` is served: it pays for it, and who is shut out saves nothing up meanwhile. */
  served(child: Flow<Item>, cost: number, shut: ReadonlySet<string>): void {
    if (this.choice === "rank") {
      this.#pass(child, shut);
      return;
    }
    this.#virtual = Math.max(this.#virtual, child.#start);
    child.#start += cost / child.weight;
    if (shut.size === 0) return;
    for (const other of this.children.values())
      if (!other.isOpen(shut)) other.#start = Math.max(other.#start, this.#virtual);
  }

  /**
   * The child that takes most of the places for its weight, or the least urgent one, counting one request
   * more in `own`; null: that is a child which does not exist yet.
   */
  heaviest(own: Share | undefined): Flow<Item> | null {
    let most: Flow<Item> | null = null;
    let mostLoad = -1;
    const isNew = own !== undefined && !this.children.has(own.id);
    if (isNew) mostLoad = this.choice === "rank" ? Number(own.id) : 1 / own.weight;
    for (const child of this.children.values()) {
      const count = child.waiting + (child.id === own?.id ? 1 : 0);
      if (count === 0) continue;
      const load = this.choice === "rank" ? Number(child.id) : count / child.weight;
      if (load <= mostLoad) continue;
      most = child;
      mostLoad = load;
    }
    return most;
  }

  #pass(child: Flow<Item>, shut: ReadonlySet<string>): void {
    child.#passed = 0;
    for (const other of this.children.values())
      if (other.id > child.id && other.isOpen(shut)) other.#passed++;
  }

  #forgetIdle(): void {
    for (const [id, child] of this.children)
      if (child.waiting === 0 && child.#start <= this.#virtual) this.children.delete(id);
  }
}
