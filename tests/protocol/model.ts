/**
 * The words of the lease protocol between an authority and its nodes: what each keeps and what they say.
 *
 * The protocol is pure functions: each takes a state and what happens, and gives the next state and what
 * is to be sent. Nothing in it knows of time, disks or sockets. An implementation keeps to it where, given
 * the same messages, it moves through the same states. Amounts are whole units; nodes and windows are
 * numbered from 0.
 */

/** By window. */
export type Amounts = readonly number[];

/** What the authority keeps: for each window the cap, and for each node what it is leased of it. */
export interface Authority {
  readonly caps: Amounts;
  /** Before anybody changed them; a sound authority never looks at them again. */
  readonly capsAtFirst: Amounts;
  /** By node: everything that the node has spent, holds, or may still spend. */
  readonly leases: readonly Amounts[];
  readonly clients: readonly Client[];
}

export interface Client {
  /** The only epoch in which the node may take a step. */
  readonly epoch: number;
  /** Which start of the node it was issued to; null: to none (its journal was recovered). */
  readonly start: number | null;
  /** The last step that was taken in this epoch, and what was answered. */
  readonly sequence: number;
  readonly answer: Answer | null;
}

/** At least `least`, at most `most` of a window. */
export interface Ask {
  readonly window: number;
  readonly least: number;
  readonly most: number;
}

export type Step =
  /** All windows in one step, or none. */
  | { readonly kind: "lease"; readonly asks: readonly Ask[] }
  | { readonly kind: "return"; readonly amounts: Amounts };

export type ToAuthority =
  | { readonly kind: "hello"; readonly node: number; readonly start: number }
  | {
      readonly kind: "step";
      readonly node: number;
      readonly epoch: number;
      readonly sequence: number;
      readonly step: Step;
    };

export interface Answer {
  readonly kind: "answer";
  readonly node: number;
  readonly epoch: number;
  readonly sequence: number;
  /** What was leased, or taken back (negative); null: refused. */
  readonly given: Amounts | null;
}

export type ToNode =
  | Answer
  | {
      readonly kind: "welcome";
      readonly node: number;
      readonly start: number;
      readonly epoch: number;
      /** What the node is leased at this moment. */
      readonly leases: Amounts;
    }
  /** The step's epoch is over. */
  | { readonly kind: "fenced"; readonly node: number; readonly epoch: number };

/** What a node's journal says when it is folded. */
export interface Books {
  readonly settled: Amounts;
  readonly held: Amounts;
  /** Leased before a loss of power: spent, for all that anybody knows. */
  readonly forfeited: Amounts;
  /** What new holds may take. */
  readonly balance: Amounts;
}

export interface Node {
  readonly phase: "down" | "starting" | "live";
  /** Unlike that of every other start of this node. */
  readonly start: number;
  readonly epoch: number;
  readonly sequence: number;
  /** The step that was begun and not answered yet. */
  readonly pending: Step | null;
  /** As written: a kill loses nothing of it. */
  readonly books: Books;
  /** As certainly on disk: a loss of power loses the rest. */
  readonly synced: Books;
  /** Power was lost, and the journal does not say so yet. */
  readonly powerLost: boolean;
}

/** Spent, or to be taken for spent. */
export function chargedOf({ settled, held, forfeited }: Books): Amounts {
  return settled.map((amount, window) => amount + at(held, window) + at(forfeited, window));
}

/** True where a loss of power would lose nothing. */
export function hasSynced({ books, synced }: Node): boolean {
  return (
    books === synced ||
    (areEqual(books.settled, synced.settled) &&
      areEqual(books.held, synced.held) &&
      areEqual(books.forfeited, synced.forfeited) &&
      areEqual(books.balance, synced.balance))
  );
}

function areEqual(left: Amounts, right: Amounts): boolean {
  return left.every((amount, window) => amount === right[window]);
}

/** Window by window. */
export function plus(left: Amounts, right: Amounts): Amounts {
  return left.map((amount, window) => amount + at(right, window));
}

/** Window by window. */
export function minus(left: Amounts, right: Amounts): Amounts {
  return plus(left, negated(right));
}

export function negated(amounts: Amounts): Amounts {
  return amounts.map((amount) => -amount);
}

/** The item at a place that exists. */
export function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`no item ${index} of ${items.length}`);
  return item;
}
