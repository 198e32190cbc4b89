/** Everything that may happen next in a state: the work of nodes, their attempts, and troubles. */
import { attemptsOf } from "./attempts.ts";
import { isUnderWay, nameOfMessage, nameOfNode, withMessages } from "./messages.ts";
import { at, hasSynced } from "./model.ts";
import { beginLease, beginReturn, spokenBy, startNode, syncNode } from "./node.ts";
import { mayUseDisk, speaking, withNode, type Event, type System, type World } from "./system.ts";
import { arrivalsOf, capsLowered, endingsOf, recoveriesOf } from "./troubles.ts";

/** The same way to a state always finds them in the same order. */
export function eventsOf(system: System, world: World): Event[] {
  const events: Event[] = [];
  for (const index of system.nodes.keys())
    events.push(
      ...workOf(system, index, world),
      ...attemptsOf(system, index, world),
      ...endingsOf(system, index),
      ...recoveriesOf(system, index, world),
    );
  for (const [key, message] of system.network)
    events.push(...arrivalsOf(system, key, message, world));
  events.push(...capsLowered(system));
  return events;
}

/** What a node does of itself: it starts, syncs, says again what was lost, and begins a step. */
function workOf(system: System, index: number, world: World): Event[] {
  const node = at(system.nodes, index);
  const name = nameOfNode(index);
  if (node.phase === "down") {
    const next = speaking(system, index, startNode(node, node.start + 1, world.rules));
    return [{ kind: "start", label: () => `${name} starts`, next }];
  }
  const events: Event[] = [];
  if (mayUseDisk(system) && !hasSynced(node))
    events.push({
      kind: "sync",
      label: () => `${name} syncs its journal`,
      next: withNode(system, index, syncNode(node)),
    });
  const spoken = spokenBy(node, index);
  if (spoken !== null && !isUnderWay(system.network, spoken))
    events.push({
      kind: "say again",
      label: () => `${name} sends ${nameOfMessage(spoken)} again`,
      next: { ...system, network: withMessages(system.network, [spoken]) },
    });
  events.push(...stepsOf(system, index, world));
  return events;
}

/** The steps that a node may begin: to ask for money, or to return all that is free. */
function stepsOf(system: System, index: number, { scenario, rules }: World): Event[] {
  const left = at(system.stepsLeft, index);
  if (left === 0) return [];
  const node = at(system.nodes, index);
  const name = nameOfNode(index);
  const begun = { ...system, stepsLeft: system.stepsLeft.with(index, left - 1) };
  const events: Event[] = [];
  for (const most of scenario.most) {
    const asks = at(scenario.chains, index).map((window) => ({ window, least: 1, most }));
    const asking = beginLease(node, asks);
    if (asking === null) break;
    events.push({
      kind: "ask",
      label: () => `${name} asks for ${most === 1 ? "1" : `1 to ${most}`}`,
      next: speaking(begun, index, asking),
    });
  }
  const returning = beginReturn(node, rules);
  if (returning !== null)
    events.push({
      kind: "return",
      label: () => `${name} returns ${node.books.balance.join("+")}`,
      next: speaking(begun, index, returning),
    });
  return events;
}
