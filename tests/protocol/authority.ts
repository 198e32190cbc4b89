/** The authority's half of the lease protocol. */
import {
  at,
  chargedOf,
  negated,
  plus,
  type Amounts,
  type Answer,
  type Ask,
  type Authority,
  type Books,
  type Client,
  type Step,
  type ToAuthority,
  type ToNode,
} from "./model.ts";
import type { Rules } from "./rules.ts";

/** The next state, and what is to be sent. */
export interface AuthorityMoved {
  readonly authority: Authority;
  readonly sent: readonly ToNode[];
}

export function newAuthority(caps: Amounts, nodes: number): Authority {
  const none = caps.map(() => 0);
  const client: Client = { epoch: 0, start: null, sequence: 0, answer: null };
  return {
    caps,
    capsAtFirst: caps,
    leases: Array.from({ length: nodes }, () => none),
    clients: Array.from({ length: nodes }, () => client),
  };
}

/** The authority gets a message: a hello or a step of a node. */
export function authorityReceives(
  authority: Authority,
  message: ToAuthority,
  rules: Rules,
): AuthorityMoved {
  return message.kind === "hello"
    ? welcome(authority, message, rules)
    : takeStep(authority, message, rules);
}

/** Each start has an epoch of its own, and ends the one before. A repeated hello gets the same again. */
function welcome(
  authority: Authority,
  { node, start }: ToAuthority & { kind: "hello" },
  rules: Rules,
): AuthorityMoved {
  const known = at(authority.clients, node);
  const isNew = known.start !== start;
  const isFirst = known.epoch === 0;
  const epoch = isNew && (rules.newEpochAtStart || isFirst) ? known.epoch + 1 : known.epoch;
  const fresh = { epoch, start, sequence: 0, answer: null };
  const client = epoch === known.epoch ? { ...known, start } : fresh;
  const leases = at(authority.leases, node);
  return {
    authority: { ...authority, clients: replaced(authority.clients, node, client) },
    sent: [{ kind: "welcome", node, start, epoch, leases }],
  };
}

/** A step counts once, in its epoch alone, in its order. One that comes again gets its answer again. */
function takeStep(
  authority: Authority,
  message: ToAuthority & { kind: "step" },
  rules: Rules,
): AuthorityMoved {
  const { node, epoch, sequence, step } = message;
  const client = at(authority.clients, node);
  if (epoch !== client.epoch) return takeFenced(authority, message, rules);
  if (sequence <= client.sequence && rules.stepsCountOnce) {
    const isLast = sequence === client.sequence && client.answer !== null;
    return { authority, sent: isLast ? [client.answer] : [] };
  }
  const { given, leases } = taken(authority, node, step, rules);
  const answer: Answer = { kind: "answer", node, epoch, sequence, given };
  const clients = replaced(authority.clients, node, { ...client, sequence, answer });
  return { authority: { ...authority, leases, clients }, sent: [answer] };
}

/** A step of an epoch that is over moves nothing, and its node is told so. */
function takeFenced(
  authority: Authority,
  { node, epoch, step }: ToAuthority & { kind: "step" },
  rules: Rules,
): AuthorityMoved {
  const sent: readonly ToNode[] = [{ kind: "fenced", node, epoch }];
  const isRefused = step.kind === "lease" ? rules.refusesFencedLeases : rules.refusesFencedReturns;
  if (isRefused) return { authority, sent };
  const { leases } = taken(authority, node, step, rules);
  return { authority: { ...authority, leases }, sent };
}

interface Taken {
  /** What the node is told. */
  readonly given: Amounts | null;
  /** Of all nodes. */
  readonly leases: readonly Amounts[];
}

function taken(authority: Authority, node: number, step: Step, rules: Rules): Taken {
  return step.kind === "lease"
    ? lease(authority, node, step.asks, rules)
    : giveBack(authority, node, step.amounts);
}

/** All windows get what they need at least, or nothing changes: no lease while their sum is over a cap. */
function lease(authority: Authority, node: number, asks: readonly Ask[], rules: Rules): Taken {
  const granted = authority.caps.map(() => 0);
  let isShort = false;
  for (const { window, least, most } of asks) {
    const caps = rules.seesLoweredCaps ? authority.caps : authority.capsAtFirst;
    // Negative after a cap was lowered.
    const headroom = at(caps, window) - leasedSum(authority, window);
    const amount = Math.min(most, Math.max(0, headroom));
    if (amount < least) isShort = true;
    else granted[window] = amount;
  }
  if (!isShort) return { given: granted, leases: applied(authority, node, granted) };
  const leases = rules.leasesAreAtomic ? authority.leases : applied(authority, node, granted);
  return { given: null, leases };
}

function giveBack(authority: Authority, node: number, amounts: Amounts): Taken {
  const given = negated(amounts);
  return { given, leases: applied(authority, node, given) };
}

/** What all nodes together are leased of a window. */
export function leasedSum({ leases }: Authority, window: number): number {
  return leases.reduce((sum, amounts) => sum + at(amounts, window), 0);
}

/** A new cap. What is leased stays leased; nothing more is, while the sum is over the cap. */
export function setCap(authority: Authority, window: number, cap: number): Authority {
  return { ...authority, caps: replaced(authority.caps, window, cap) };
}

/** What the protocol never does: a node that is gone owes nothing, and its leases are leased again. */
export function writeOff(authority: Authority, node: number): Authority {
  const none = authority.caps.map(() => 0);
  return { ...authority, leases: replaced(authority.leases, node, none) };
}

/**
 * Takes the complete journal of a node that runs no more: its epoch is over, and what it has neither
 * spent nor held is free again.
 *
 * @param books All that the node ever wrote, and on disk by now. Anything less proves nothing about the
 * rest, and what could still be lost would come back as another node's money.
 */
export function recoverJournal(
  authority: Authority,
  node: number,
  books: Books,
  rules: Rules,
): Authority {
  const client = at(authority.clients, node);
  const fenced = { epoch: client.epoch + 1, start: null, sequence: 0, answer: null };
  const leases = rules.recoversToTheCharged
    ? replaced(authority.leases, node, chargedOf(books))
    : applied(authority, node, negated(books.balance));
  return { ...authority, leases, clients: replaced(authority.clients, node, fenced) };
}

function applied(authority: Authority, node: number, amounts: Amounts): readonly Amounts[] {
  return replaced(authority.leases, node, plus(at(authority.leases, node), amounts));
}

function replaced<Item>(items: readonly Item[], index: number, item: Item): readonly Item[] {
  return items.with(index, item);
}
