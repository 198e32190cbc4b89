/** What happens to nodes, messages and caps, and what others do with the journal of a node that is gone. */
import { recoverJournal, setCap, writeOff } from "./authority.ts";
import { nameOfMessage, nameOfNode, withoutMessage, type Message } from "./messages.ts";
import { at, hasSynced, type Node } from "./model.ts";
import { killNode, losePower, syncNode } from "./node.ts";
import type { Rules } from "./rules.ts";
import {
  received,
  withNode,
  type Event,
  type System,
  type Troubles,
  type World,
} from "./system.ts";

/** What may happen to a node itself. */
export function endingsOf(system: System, index: number): Event[] {
  const node = at(system.nodes, index);
  const name = nameOfNode(index);
  const isDown = node.phase === "down";
  const ended = (as: Node): System =>
    withNode({ ...system, unwritten: system.unwritten.with(index, false) }, index, as);
  const events: Event[] = [];
  if (!isDown)
    addTrouble(events, system, "kill", {
      label: () => `${name} is killed`,
      next: () => ended(killNode(node)),
    });
  // A machine may also go down after its node was killed, and take what the node did not sync.
  if (!isDown || !node.powerLost || !hasSynced(node))
    addTrouble(events, system, "powerLoss", {
      label: () => `${name} loses power`,
      next: () => ended(losePower(node)),
    });
  return events;
}

/** What others may do with the money of a node that is gone. */
export function recoveriesOf(system: System, index: number, { rules }: World): Event[] {
  const node = at(system.nodes, index);
  const name = nameOfNode(index);
  const hasEnded = node.phase === "down";
  const isWhole = !node.powerLost;
  const events: Event[] = [];
  if ((hasEnded || !rules.recoversTheDeadOnly) && (isWhole || !rules.knowsLostTails))
    addTrouble(events, system, "recover", {
      label: () => `the journal of ${name} is recovered`,
      next: () => recovered(system, index, rules),
    });
  if (hasEnded && !rules.chargesTheDead)
    addTrouble(events, system, "recover", {
      label: () => `${name} is written off`,
      next: () => ({ ...system, authority: writeOff(system.authority, index) }),
    });
  return events;
}

function recovered(system: System, index: number, rules: Rules): System {
  const node = at(system.nodes, index);
  const books = rules.recoversWholeJournals ? node.books : node.synced;
  const authority = recoverJournal(system.authority, index, books, rules);
  return withNode({ ...system, authority }, index, syncNode(node));
}

/** A message arrives: once, once of several times, or never. */
export function arrivalsOf(
  system: System,
  key: string,
  message: Message,
  { rules }: World,
): Event[] {
  const name = (): string => nameOfMessage(message);
  const rest = { ...system, network: withoutMessage(system.network, key) };
  const events: Event[] = [
    {
      kind: "arrive",
      label: () => `${name()} arrives`,
      next: received(rest, message, rules),
      message,
    },
  ];
  addTrouble(events, system, "double", {
    label: () => `${name()} arrives, and will once more`,
    next: () => received(system, message, rules),
    message,
  });
  addTrouble(events, system, "lose", { label: () => `${name()} is lost`, next: () => rest });
  return events;
}

export function capsLowered(system: System): Event[] {
  const events: Event[] = [];
  for (const [window, cap] of system.authority.caps.entries())
    if (cap > 0)
      addTrouble(events, system, "lowerCap", {
        label: () => `the cap of window ${window} is lowered to ${cap - 1}`,
        next: () => ({ ...system, authority: setCap(system.authority, window, cap - 1) }),
      });
  return events;
}

/** Adds the event where the scenario has such a trouble left. */
function addTrouble(
  events: Event[],
  { troubles, troublesLeft }: System,
  kind: keyof Troubles,
  { label, next, message }: Pick<Event, "label" | "message"> & { readonly next: () => System },
): void {
  const left = troublesLeft[kind];
  if (left === 0 || troubles === 0) return;
  const after = {
    ...next(),
    troublesLeft: { ...troublesLeft, [kind]: left - 1 },
    troubles: troubles - 1,
  };
  events.push({ kind, label, next: after, ...(message !== undefined && { message }) });
}
