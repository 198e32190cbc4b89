/** What must hold in every state of the lease protocol, and at every event. */
import { authorityReceives, leasedSum, recoverJournal } from "./authority.ts";
import type { Message } from "./messages.ts";
import { at, chargedOf, type Amounts, type Node } from "./model.ts";
import { nodeReceives } from "./node.ts";
import type { Rules } from "./rules.ts";
import type { Event, Scenario, System, World } from "./system.ts";

/** What a broken rule does to somebody's money. */
export type Harm =
  /** Providers bill more of a window than any cap that was ever in force. */
  | "overspent"
  /** A node has spent and holds more than it is leased, by its books or by what providers bill. */
  | "uncovered"
  /** An attempt is in some windows of its chain, and not in all. */
  | "torn"
  /** Money is leased that no node knows of, and nothing is under way that would tell. */
  | "lost"
  /** Every journal is complete and recovered, and money is still missing. */
  | "lost for ever"
  /** A lease is given while the sum of leases is over the cap. */
  | "leased over the cap"
  /** Did it arrive once more at once, a message would move money once more. */
  | "counted twice";

export const HARMS: readonly Harm[] = [
  "overspent",
  "uncovered",
  "torn",
  "lost",
  "lost for ever",
  "leased over the cap",
  "counted twice",
];

/** One event, and the state in which it came. */
export interface Happened {
  readonly before: System;
  readonly event: Event;
}

/** The harm of a state, of those that are looked for; null: none. */
export function harmIn(
  system: System,
  { scenario, rules }: World,
  lookedFor: ReadonlySet<Harm>,
): Harm | null {
  if (lookedFor.has("overspent") && isOverspent(system, scenario)) return "overspent";
  if (lookedFor.has("uncovered") && isUncovered(system)) return "uncovered";
  if (lookedFor.has("torn") && isTorn(system, scenario)) return "torn";
  if (lookedFor.has("lost") && isLost(system)) return "lost";
  if (lookedFor.has("lost for ever") && isLostForEver(system, rules)) return "lost for ever";
  return null;
}

/** The harm that an event does, whatever state it leads to, of those that are looked for; null: none. */
export function harmBy(
  { before, event: { next, message } }: Happened,
  { rules }: World,
  lookedFor: ReadonlySet<Harm>,
): Harm | null {
  if (lookedFor.has("leased over the cap") && isLeasedOver(before, next))
    return "leased over the cap";
  if (message === undefined || !lookedFor.has("counted twice")) return null;
  return movesMoney(next, message, rules) ? "counted twice" : null;
}

/** Of a window, over all nodes. */
export function sumOf(amounts: readonly Amounts[], window: number): number {
  return amounts.reduce((sum, ofNode) => sum + at(ofNode, window), 0);
}

function isOverspent({ spent }: System, { caps }: Scenario): boolean {
  return caps.some((cap, window) => sumOf(spent, window) > cap);
}

function isUncovered({ authority, nodes, spent }: System): boolean {
  return nodes.some(({ phase, books }, index) =>
    at(authority.leases, index).some((leased, window) => {
      const usable = phase === "live" ? at(books.balance, window) : 0;
      const booked = at(books.settled, window) + at(books.held, window) + usable;
      return booked > leased || at(at(spent, index), window) > leased;
    }),
  );
}

function isTorn({ nodes, spent }: System, { chains }: Scenario): boolean {
  return nodes.some(({ books }, index) => {
    const chain = at(chains, index);
    return [books.settled, books.held, at(spent, index)].some((amounts) => {
      const ofFirst = at(amounts, at(chain, 0));
      return amounts.some((amount, window) => amount !== (chain.includes(window) ? ofFirst : 0));
    });
  });
}

function isLost(system: System): boolean {
  if (system.network.size > 0) return false;
  return system.nodes.some((node, index) => isUnknownTo(node, index, system));
}

/** A running node that awaits nothing must account for every unit that it is leased. */
function isUnknownTo(node: Node, index: number, { authority }: System): boolean {
  const isInStep = node.phase === "live" && node.epoch === at(authority.clients, index).epoch;
  if (!isInStep || node.pending !== null) return false;
  const charged = chargedOf(node.books);
  return at(authority.leases, index).some(
    (leased, window) => leased > at(charged, window) + at(node.books.balance, window),
  );
}

/** Would all processes end and every journal that no loss of power has touched be recovered. */
function isLostForEver({ authority, nodes }: System, rules: Rules): boolean {
  return nodes.some(({ powerLost, books }, index) => {
    const isWhole = !powerLost && books.forfeited.every((amount) => amount === 0);
    if (!isWhole) return false;
    const leases = at(recoverJournal(authority, index, books, rules).leases, index);
    return leases.some(
      (leased, window) => leased > at(books.settled, window) + at(books.held, window),
    );
  });
}

function isLeasedOver(before: System, next: System): boolean {
  if (before.authority === next.authority) return false;
  return next.authority.caps.some((cap, window) => {
    const sum = leasedSum(next.authority, window);
    return sum > cap && sum > leasedSum(before.authority, window);
  });
}

/** What does not move stays the same object. */
function movesMoney({ authority, nodes }: System, message: Message, rules: Rules): boolean {
  if (message.kind === "hello" || message.kind === "step")
    return authorityReceives(authority, message, rules).authority.leases !== authority.leases;
  const node = at(nodes, message.node);
  return nodeReceives(node, message, rules).books !== node.books;
}
