/** The order in which waiting requests share what a provider has: weighted fair queueing in a tree. Pure. */
import { Flow, type Entry, type Share } from "./flow.ts";

/** Where a request belongs: customer and team, its rank in the team, then owner and key. */
export interface FlowPath {
  /** Outermost first; among these only weight counts. */
  readonly above: readonly Share[];
  /** Among a team's requests; 0 is the most urgent. */
  readonly rank: number;
  /** Outermost first, the last one being the key; at least one. */
  readonly below: readonly Share[];
}

export interface Joining<Item> {
  readonly item: Item;
  readonly path: FlowPath;
  readonly line: string;
  readonly cost: number;
  readonly sinceMs: number;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Start-time fair queueing at each level: of those that wait, the one goes next whose next request starts
 * first in virtual time, which passes for each by cost ÷ weight. Over any time in which two wait
 * throughout, what they had differs from their weights by less than a request each.
 */
export class FairQueue<Item> {
  readonly #root = new Flow<Item>(null, { id: "", weight: 1 }, "share");

  get size(): number {
    return this.#root.waiting;
  }

  add({ path, ...of }: Joining<Item>): Entry<Item> {
    const entry: Entry<Item> = { ...of, leaf: this.#leafOf(path) };
    const { entries } = entry.leaf;
    let at = entries.length;
    while (at > 0 && (entries[at - 1]?.sinceMs ?? 0) > entry.sinceMs) at--;
    entries.splice(at, 0, entry);
    for (const flow of upFrom(entry.leaf)) flow.joined(entry.line);
    return entry;
  }

  /** The entry whose turn it is, of those whose line is not in `shut`; null: there is none. */
  next(shut: ReadonlySet<string> = NONE): Entry<Item> | null {
    let flow: Flow<Item> | null = this.#root;
    while (flow !== null && flow.entries.length === 0) flow = flow.next(shut);
    return flow?.entries.find(({ line }) => !shut.has(line)) ?? null;
  }

  /** It is served: it leaves, and its flow has had its cost. `shut` as `next` was asked with. */
  serve(entry: Entry<Item>, shut: ReadonlySet<string> = NONE): void {
    for (const flow of upFrom(entry.leaf)) flow.parent?.served(flow, entry.cost, shut);
    this.leave(entry);
  }

  /** It leaves without having had anything; nothing happens where it is gone already. */
  leave(entry: Entry<Item>): void {
    const at = entry.leaf.entries.indexOf(entry);
    if (at < 0) return;
    entry.leaf.entries.splice(at, 1);
    for (const flow of upFrom(entry.leaf)) flow.left(entry.line);
  }

  /**
   * Who has to leave a full queue for a request of `path`: the newest of the least urgent of those that
   * take most of the places for their weight. Null: that is the request itself.
   */
  excess(path: FlowPath): Entry<Item> | null {
    const steps = stepsOf(path);
    let flow = this.#root;
    let isOwn = true;
    for (let depth = 0; flow.children.size > 0; depth++) {
      const step: Share | undefined = isOwn ? steps[depth] : undefined;
      const child = flow.heaviest(step);
      if (child === null) return null;
      isOwn = child.id === step?.id;
      flow = child;
    }
    return isOwn ? null : (flow.entries.at(-1) ?? null);
  }

  #leafOf(path: FlowPath): Flow<Item> {
    const { above } = path;
    let flow = this.#root;
    // What a flow chooses by depends on what is below it: the team's children are ranks.
    for (const [index, step] of stepsOf(path).entries())
      flow = flow.child(step, index === above.length - 1 ? "rank" : "share");
    return flow;
  }
}

function stepsOf({ above, rank, below }: FlowPath): readonly Share[] {
  return [...above, { id: String(rank), weight: 1 }, ...below];
}

function* upFrom<Item>(leaf: Flow<Item>): Generator<Flow<Item>> {
  for (let flow: Flow<Item> | null = leaf; flow !== null; flow = flow.parent) yield flow;
}
