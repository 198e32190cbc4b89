/** States and events that an exploration must come by, so that the harm that it does not find is not there. */
import { leasedSum } from "./authority.ts";
import { sumOf, type Happened } from "./invariants.ts";
import type { Message } from "./messages.ts";
import { at, chargedOf } from "./model.ts";
import { EVENT_KINDS, type EventKind, type Scenario, type System } from "./system.ts";

type Sight = (happened: Happened, scenario: Scenario) => boolean;

const MONEY_SIGHTS = {
  "the whole of every window is spent": ({ event: { next } }, { caps }) =>
    caps.every((cap, window) => sumOf(next.spent, window) === cap),
  "two nodes spend from one window": ({ event: { next } }, { caps }) =>
    caps.some((_cap, window) => next.spent.filter((spent) => at(spent, window) > 0).length > 1),
  "an attempt is out on all windows": ({ event: { next } }) =>
    next.nodes.some(({ books }) => books.held.every((held) => held > 0)),
  "two attempts of a node are out": ({ event: { next } }) =>
    next.nodes.some(({ books }) => books.held.some((held) => held > 1)),
  "a lease is refused": ({ event: { next } }) => isRefusing(next),
  "a return is taken": ({ before, event: { message, next } }) =>
    isReturn(message) && next.authority.leases !== before.authority.leases,
  "a cap is lowered below what is leased": ({ event: { kind, next } }) =>
    kind === "lowerCap" &&
    next.authority.caps.some((cap, window) => leasedSum(next.authority, window) > cap),
} as const satisfies Record<string, Sight>;

const EPOCH_SIGHTS = {
  "a return of an epoch that is over arrives": ({ before, event: { message } }) =>
    isReturn(message) && message.epoch !== epochOf(before, message.node),
  "a step arrives that was taken already": ({ before, event: { message } }) =>
    message?.kind === "step" &&
    message.epoch === epochOf(before, message.node) &&
    message.sequence <= at(before.authority.clients, message.node).sequence,
  "an answer arrives when its epoch is over": ({ before, event: { message } }) =>
    message?.kind === "answer" && message.epoch !== epochOf(before, message.node),
  "a node spends while its epoch is over": ({ before, event: { kind, next } }) =>
    kind === "hold" &&
    next.nodes.some(
      (node, index) => node !== at(before.nodes, index) && node.epoch !== epochOf(next, index),
    ),
  "a node learns that its epoch is over": ({ before, event: { message, next } }) =>
    message?.kind === "fenced" && at(next.nodes, message.node) !== at(before.nodes, message.node),
} as const satisfies Record<string, Sight>;

const DEATH_SIGHTS = {
  "a provider bills for a node that has died": ({ event: { next } }) =>
    next.nodes.some(({ phase, books }) => phase === "down" && books.held.some((held) => held > 0)),
  "a loss of power takes a hold that the provider bills": ({ event: { kind, next } }) =>
    kind === "powerLoss" &&
    next.nodes.some((node, index) =>
      at(next.spent, index).some((spent, window) => spent > at(chargedOf(node.books), window)),
    ),
  "unspent leases are forfeited": ({ event: { next } }) =>
    next.nodes.some(({ books }) => books.forfeited.some((forfeited) => forfeited > 0)),
  "a node is refused what a dead one has not spent": ({ event: { next } }) =>
    isRefusing(next) &&
    next.nodes.some(
      ({ phase, books }, index) =>
        phase === "down" &&
        at(next.authority.leases, index).some(
          (leased, window) => leased > at(chargedOf(books), window),
        ),
    ),
  "a recovered journal frees money": ({ before, event: { kind, next } }) =>
    kind === "recover" &&
    next.authority.caps.some(
      (_cap, window) => leasedSum(next.authority, window) < leasedSum(before.authority, window),
    ),
} as const satisfies Record<string, Sight>;

const SIGHTS: Readonly<Record<string, Sight>> = {
  ...MONEY_SIGHTS,
  ...EPOCH_SIGHTS,
  ...DEATH_SIGHTS,
};

/** Every kind of event is one, too. */
export type Landmark =
  | EventKind
  | keyof typeof MONEY_SIGHTS
  | keyof typeof EPOCH_SIGHTS
  | keyof typeof DEATH_SIGHTS;

/** Notes what an exploration comes by. */
export class Lookout {
  readonly #scenario: Scenario;
  readonly #kinds = new Set<EventKind>(EVENT_KINDS);
  readonly #sights = new Map(Object.entries(SIGHTS));

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  notice(happened: Happened): void {
    this.#kinds.delete(happened.event.kind);
    for (const [name, isSeen] of this.#sights)
      if (isSeen(happened, this.#scenario)) this.#sights.delete(name);
  }

  /** What it has not come by, sorted. */
  unseen(): readonly string[] {
    return [...this.#kinds, ...this.#sights.keys()].toSorted();
  }
}

function isReturn(message: Message | undefined): message is Message & { kind: "step" } {
  return message?.kind === "step" && message.step.kind === "return";
}

/** An answer is under way that gives nothing. */
function isRefusing({ network }: System): boolean {
  for (const message of network.values())
    if (message.kind === "answer" && message.given === null) return true;
  return false;
}

function epochOf({ authority }: System, node: number): number {
  return at(authority.clients, node).epoch;
}
