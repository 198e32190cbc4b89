/** An authority, its nodes, the messages between them, and what the providers bill: one state of the world. */
import { authorityReceives, newAuthority } from "./authority.ts";
import { withMessages, type Message, type Network } from "./messages.ts";
import { at, type Amounts, type Authority, type Node } from "./model.ts";
import { newNode, nodeReceives, spokenBy, startNode } from "./node.ts";
import { SOUND, type Rules } from "./rules.ts";

/** How often each kind of trouble may come, in all. Late and reordered messages come without limit. */
export interface Troubles {
  /** The process ends; what it wrote stays. */
  readonly kill: number;
  /** The machine ends; what was not synced is gone. */
  readonly powerLoss: number;
  /** A message never arrives. */
  readonly lose: number;
  /** A message arrives, and once more later. */
  readonly double: number;
  /** By one unit. */
  readonly lowerCap: number;
  /** Somebody brings the authority the journal of a node that does not run. */
  readonly recover: number;
}

/** What is explored: small enough to be explored whole. */
export interface Scenario {
  readonly name: string;
  readonly caps: Amounts;
  /** By node: the windows that each of its attempts spends from, a unit of each. */
  readonly chains: readonly (readonly number[])[];
  /** How much of a window a node asks for at most; it needs one unit at least. */
  readonly most: readonly number[];
  /** Steps that a node may begin, in all. */
  readonly steps: number;
  /** Attempts of a node that are out at the same time. How many follow one another has no limit. */
  readonly attemptsAtOnce: number;
  readonly troubles: Troubles;
  /** Of all kinds together. */
  readonly troublesMax: number;
}

/** What stays the same while states change. */
export interface World {
  readonly scenario: Scenario;
  readonly rules: Rules;
}

export interface System {
  readonly authority: Authority;
  readonly nodes: readonly Node[];
  readonly network: Network;
  /** By node and window: what providers may bill, whatever the books say. */
  readonly spent: readonly Amounts[];
  /** By node: an attempt is out whose hold is not written yet. Only without the rule that forbids it. */
  readonly unwritten: readonly boolean[];
  readonly stepsLeft: readonly number[];
  readonly troublesLeft: Troubles;
  readonly troubles: number;
}

/** Every kind of event; those that are troubles are named as the scenario counts them. */
export const EVENT_KINDS = [
  "start",
  "say again",
  "ask",
  "return",
  "hold",
  "settle whole",
  "settle free",
  "sync",
  "arrive",
  "kill",
  "powerLoss",
  "lose",
  "double",
  "lowerCap",
  "recover",
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

/** One thing that may happen, and the state after it. */
export interface Event {
  readonly kind: EventKind;
  readonly label: () => string;
  readonly next: System;
  /** What arrived; absent where nothing did. */
  readonly message?: Message;
}

/** All nodes run already, each in its first epoch; what is leased is nothing. */
export function newSystem({ caps, chains, steps, troubles, troublesMax }: Scenario): System {
  const stopped: System = {
    authority: newAuthority(caps, chains.length),
    nodes: chains.map(() => startNode(newNode(caps.length), 1, SOUND)),
    network: new Map(),
    spent: chains.map(() => caps.map(() => 0)),
    unwritten: chains.map(() => false),
    stepsLeft: chains.map(() => steps),
    troublesLeft: troubles,
    troubles: troublesMax,
  };
  return chains.reduce((system, _, node) => {
    const greeted = received(system, { kind: "hello", node, start: 1 }, SOUND);
    const [welcome] = greeted.network.values();
    if (welcome === undefined) throw new Error("a hello has no answer");
    return received({ ...greeted, network: new Map() }, welcome, SOUND);
  }, stopped);
}

/** A message is where it was sent to. */
export function received(system: System, message: Message, rules: Rules): System {
  if (message.kind === "hello" || message.kind === "step") {
    const { authority, sent } = authorityReceives(system.authority, message, rules);
    return { ...system, authority, network: withMessages(system.network, sent) };
  }
  const node = at(system.nodes, message.node);
  const after = nodeReceives(node, message, rules);
  // A node whose epoch is over says hello at once.
  return after.start === node.start
    ? withNode(system, message.node, after)
    : speaking(system, message.node, after);
}

/** The node as it is now, and what it says then. */
export function speaking(system: System, index: number, node: Node): System {
  const spoken = spokenBy(node, index);
  const network = spoken === null ? system.network : withMessages(system.network, [spoken]);
  return { ...withNode(system, index, node), network };
}

export function withNode(system: System, index: number, node: Node): System {
  return { ...system, nodes: system.nodes.with(index, node) };
}

/** What every attempt of a node needs: a unit of each window of its chain. */
export function needOf({ caps, chains }: Scenario, index: number): Amounts {
  const chain = at(chains, index);
  return caps.map((_, window) => (chain.includes(window) ? 1 : 0));
}

/** Whether anything can still come to pass in which it matters what is on disk. */
export function mayUseDisk({ troubles, troublesLeft }: System): boolean {
  return troubles > 0 && troublesLeft.powerLoss + troublesLeft.recover > 0;
}
