/** Breadth-first exploration of everything that can happen, so that what is found is found in the fewest events. */
import { eventsOf } from "./events.ts";
import { harmBy, harmIn, type Happened, type Harm } from "./invariants.ts";
import { at } from "./model.ts";
import { hashOf } from "./state-hash.ts";
import { StateSet } from "./state-set.ts";
import { newSystem, type System, type World } from "./system.ts";

export interface Exploration {
  readonly states: number;
  /** Events from the start to the farthest state. */
  readonly depth: number;
  /** Null: nothing does harm. */
  readonly counterexample: Counterexample | null;
}

export interface Counterexample {
  readonly harm: Harm;
  /** Labels of the events, in order. */
  readonly events: readonly string[];
}

export interface Search {
  readonly lookedFor: ReadonlySet<Harm>;
  /** Is told of every event in every state. */
  readonly notice?: (happened: Happened) => void;
}

/** How a state was first reached. */
interface Visit {
  readonly before: Visit | null;
  /** Which of the events of the state before. */
  readonly event: number;
}

type Reached = readonly [System, Visit];

/** Explores all states that can be reached, or those up to the first harm. */
export function explore(world: World, search: Search): Exploration {
  const start = newSystem(world.scenario);
  const seen = new StateSet();
  seen.add(hashOf(start));
  let level: readonly Reached[] = [[start, { before: null, event: 0 }]];
  let depth = 0;
  for (; level.length > 0; depth++) {
    const next: Reached[] = [];
    for (const reached of level) {
      const harmed = follow(reached, { ...search, world, seen }, next);
      if (harmed === null) continue;
      const [harm, visit] = harmed;
      const counterexample = { harm, events: labelsOf(visit, world) };
      return { states: seen.size, depth: depth + 1, counterexample };
    }
    level = next;
  }
  return { states: seen.size, depth: depth - 1, counterexample: null };
}

/** Adds the new states behind one to `next`; gives the first event that does harm. */
function follow(
  [before, visit]: Reached,
  { world, seen, lookedFor, notice }: Search & { readonly world: World; readonly seen: StateSet },
  next: Reached[],
): readonly [Harm, Visit] | null {
  for (const [index, event] of eventsOf(before, world).entries()) {
    const happened = { before, event };
    notice?.(happened);
    const isNew = seen.add(hashOf(event.next));
    // An event may do harm that leads where a harmless one leads, too.
    const harm =
      harmBy(happened, world, lookedFor) ?? (isNew ? harmIn(event.next, world, lookedFor) : null);
    if (harm !== null) return [harm, { before: visit, event: index }];
    if (isNew) next.push([event.next, { before: visit, event: index }]);
  }
  return null;
}

/** Goes the way again, from the start. */
function labelsOf(reached: Visit, world: World): string[] {
  const way: number[] = [];
  for (let visit = reached; visit.before !== null; visit = visit.before) way.unshift(visit.event);
  let system = newSystem(world.scenario);
  return way.map((index) => {
    const event = at(eventsOf(system, world), index);
    system = event.next;
    return event.label();
  });
}
