/** One long way through a world that is too large to be explored whole. */
import { eventsOf } from "./events.ts";
import type { Counterexample, Search } from "./explore.ts";
import { harmBy, harmIn } from "./invariants.ts";
import { at } from "./model.ts";
import { newSystem, type World } from "./system.ts";

/** One event in so many may be a trouble; else all troubles would come at once, before any work is done. */
const EVENTS_A_TROUBLE = 8;

/**
 * Goes one event for each choice, and gives the way to the first harm; null where none is done.
 *
 * @param choices Whole numbers from 0, each taken modulo the number of events that may happen.
 */
export function walk(
  world: World,
  choices: readonly number[],
  { lookedFor, notice }: Search,
): Counterexample | null {
  const labels: string[] = [];
  let system = newSystem(world.scenario);
  for (const choice of choices) {
    const events = eventsOf(system, world);
    const work = events.filter(({ kind }) => !(kind in world.scenario.troubles));
    const isForTrouble = choice % EVENTS_A_TROUBLE === 0 || work.length === 0;
    const among = isForTrouble ? events : work;
    // Nothing is left to do.
    if (among.length === 0) return null;
    const event = at(among, Math.floor(choice / EVENTS_A_TROUBLE) % among.length);
    const happened = { before: system, event };
    notice?.(happened);
    labels.push(event.label());
    system = event.next;
    const harm = harmBy(happened, world, lookedFor) ?? harmIn(system, world, lookedFor);
    if (harm !== null) return { harm, events: labels };
  }
  return null;
}
