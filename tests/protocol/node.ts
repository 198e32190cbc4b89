/** A node's half of the lease protocol: what it may spend, and what its journal says after any end. */
import {
  at,
  chargedOf,
  minus,
  plus,
  type Amounts,
  type Answer,
  type Ask,
  type Node,
  type ToAuthority,
  type ToNode,
} from "./model.ts";
import type { Rules } from "./rules.ts";

export function newNode(windows: number): Node {
  const none = Array.from({ length: windows }, () => 0);
  const books = { settled: none, held: none, forfeited: none, balance: none };
  return {
    phase: "down",
    start: 0,
    epoch: 0,
    sequence: 0,
    pending: null,
    books,
    synced: books,
    powerLost: false,
  };
}

/**
 * A process starts on the journal that is there: it is put on disk as it is, and holds that it left open
 * are settled as they stand.
 */
export function startNode(node: Node, start: number, rules: Rules): Node {
  const { books } = node;
  const none = books.held.map(() => 0);
  const settled = rules.openHoldsAreCharged ? plus(books.settled, books.held) : books.settled;
  return {
    ...node,
    phase: "starting",
    start,
    epoch: rules.newEpochAtStart ? 0 : node.epoch,
    sequence: 0,
    pending: null,
    books: { ...books, settled, held: none },
    synced: books,
  };
}

/** kill -9: what was written stays. */
export function killNode(node: Node): Node {
  return { ...node, phase: "down", pending: null };
}

/** The machine goes down: what was not synced is gone. */
export function losePower(node: Node): Node {
  return { ...killNode(node), books: node.synced, powerLost: true };
}

/** The journal is on disk. */
export function syncNode(node: Node): Node {
  return { ...node, synced: node.books };
}

/** A node gets a message. What is of another start, epoch or step changes nothing. */
export function nodeReceives(node: Node, message: ToNode, rules: Rules): Node {
  switch (message.kind) {
    case "welcome":
      return receiveWelcome(node, message, rules);
    case "answer":
      return receiveAnswer(node, message, rules);
    case "fenced": {
      const isMine = node.phase === "live" && node.epoch === message.epoch;
      if (!isMine) return node;
      // The process goes on under a new start: what it asked for may have been given or not.
      return { ...node, phase: "starting", start: node.start + 1, pending: null };
    }
  }
}

/** Only from here on the node may spend: what it is leased, less what its journal has charged. */
function receiveWelcome(node: Node, message: ToNode & { kind: "welcome" }, rules: Rules): Node {
  if (node.phase !== "starting") return node;
  if (message.start !== node.start && rules.startsAreTold) return node;
  const { books } = node;
  const unspent = message.leases.map((leased, window) =>
    Math.max(0, leased - at(chargedOf(books), window)),
  );
  // After a loss of power nobody knows what of it was spent.
  const isForfeit = node.powerLost && rules.forfeitsAfterPowerLoss;
  const none = unspent.map(() => 0);
  return {
    ...node,
    phase: "live",
    epoch: message.epoch,
    sequence: 0,
    pending: null,
    powerLost: false,
    books: {
      ...books,
      balance: isForfeit ? none : unspent,
      forfeited: isForfeit ? plus(books.forfeited, unspent) : books.forfeited,
    },
  };
}

function receiveAnswer(node: Node, message: Answer, rules: Rules): Node {
  if (node.phase !== "live" || message.sequence !== node.sequence) return node;
  if (message.epoch !== node.epoch && rules.answersHaveEpochs) return node;
  const { pending } = node;
  const isAwaited = pending !== null || !rules.answersCountOnce;
  if (!isAwaited || message.given === null) return { ...node, pending: null };
  const isReturn = message.given.some((amount) => amount < 0);
  // A return was deducted when it was begun.
  if (isReturn && rules.returnsAreDeductedFirst) return { ...node, pending: null };
  const balance = plus(node.books.balance, message.given).map((amount) => Math.max(0, amount));
  return { ...node, pending: null, books: { ...node.books, balance } };
}

/** Begins to ask for money; null where another step is under way. */
export function beginLease(node: Node, asks: readonly Ask[]): Node | null {
  if (node.phase !== "live" || node.pending !== null) return null;
  return { ...node, sequence: node.sequence + 1, pending: { kind: "lease", asks } };
}

/** Begins to return the balance: deducted, journalled and synced now, told later. Null where there is none. */
export function beginReturn(node: Node, rules: Rules): Node | null {
  if (node.phase !== "live" || node.pending !== null) return null;
  const amounts = node.books.balance;
  if (amounts.every((amount) => amount === 0)) return null;
  const balance = rules.returnsAreDeductedFirst ? amounts.map(() => 0) : amounts;
  const books = { ...node.books, balance };
  return {
    ...node,
    sequence: node.sequence + 1,
    pending: { kind: "return", amounts },
    books,
    synced: rules.returnsAreSyncedFirst ? books : node.synced,
  };
}

/** What a node says when it speaks: hello, or its pending step. Saying it again changes nothing. */
export function spokenBy(node: Node, index: number): ToAuthority | null {
  if (node.phase === "starting") return { kind: "hello", node: index, start: node.start };
  const { pending, epoch, sequence } = node;
  if (node.phase !== "live" || pending === null) return null;
  return { kind: "step", node: index, epoch, sequence, step: pending };
}

/** Takes `need` from the balance of every window, or gives null. */
export function takeHold(node: Node, need: Amounts, rules: Rules): Node | null {
  const maySpend = node.phase === "live" || (node.phase === "starting" && !rules.waitsForWelcome);
  const { balance, held } = node.books;
  const taken = need.map((amount, window) => Math.min(amount, at(balance, window)));
  const fits = rules.holdsAreAtomic
    ? taken.every((amount, window) => amount === at(need, window))
    : taken.some((amount) => amount > 0);
  if (!maySpend || !fits) return null;
  const books = { ...node.books, balance: minus(balance, taken), held: plus(held, taken) };
  return { ...node, books };
}

/** A hold of `need` is replaced by its cost, and the rest may be spent again. */
export function settleHold(node: Node, need: Amounts, cost: Amounts): Node {
  const { books } = node;
  return {
    ...node,
    books: {
      ...books,
      settled: plus(books.settled, cost),
      held: minus(books.held, need),
      balance: plus(books.balance, minus(need, cost)),
    },
  };
}
