/** What a node does with its balance: attempts go out on holds, and are settled at what they cost. */
import { nameOfNode } from "./messages.ts";
import { at, minus, negated, plus, type Amounts, type Node } from "./model.ts";
import { settleHold, takeHold } from "./node.ts";
import { needOf, withNode, type Event, type System, type World } from "./system.ts";

/** Attempts that may begin or end now. The provider bills a whole hold, or nothing of it. */
export function attemptsOf(system: System, index: number, world: World): Event[] {
  const node = at(system.nodes, index);
  const need = needOf(world.scenario, index);
  if (at(system.unwritten, index)) return [written(system, index, need, world)];
  const isOut = node.books.held.some((amount) => amount > 0);
  const mayBegin = Math.max(...node.books.held) < world.scenario.attemptsAtOnce;
  const holding = mayBegin ? takeHold(node, need, world.rules) : null;
  return [
    ...(holding === null ? [] : [forwarded(system, index, holding, world)]),
    ...(isOut && node.phase !== "down" ? settlements(system, index, need) : []),
  ];
}

function forwarded(system: System, index: number, holding: Node, { rules }: World): Event {
  const name = nameOfNode(index);
  const taken = minus(holding.books.held, at(system.nodes, index).books.held);
  const billed = billedMore(system, index, taken);
  if (rules.holdsAreJournalledFirst)
    return {
      kind: "hold",
      label: () => `${name} holds and forwards`,
      next: withNode(billed, index, holding),
    };
  return {
    kind: "hold",
    label: () => `${name} forwards, its hold unwritten`,
    next: { ...billed, unwritten: system.unwritten.with(index, true) },
  };
}

function written(system: System, index: number, need: Amounts, { rules }: World): Event {
  const node = at(system.nodes, index);
  const unwritten = system.unwritten.with(index, false);
  return {
    kind: "hold",
    label: () => `${nameOfNode(index)} writes its hold`,
    next: withNode({ ...system, unwritten }, index, takeHold(node, need, rules) ?? node),
  };
}

function settlements(system: System, index: number, need: Amounts): Event[] {
  const node = at(system.nodes, index);
  const name = nameOfNode(index);
  const held = need.map((amount, window) => Math.min(amount, at(node.books.held, window)));
  const nothing = need.map(() => 0);
  return [
    {
      kind: "settle whole",
      label: () => `${name} settles at the whole hold`,
      next: withNode(system, index, settleHold(node, held, held)),
    },
    {
      kind: "settle free",
      label: () => `${name} settles at nothing`,
      next: withNode(
        billedMore(system, index, negated(held)),
        index,
        settleHold(node, held, nothing),
      ),
    },
  ];
}

function billedMore(system: System, index: number, amounts: Amounts): System {
  return { ...system, spent: system.spent.with(index, plus(at(system.spent, index), amounts)) };
}
