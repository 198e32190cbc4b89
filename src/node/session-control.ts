/** Stops, pauses and resumes sessions: in the journal first, then in force for the next request. */
import { formatTime, type Clock } from "../core/time.ts";
import { WaitingRoom } from "../gateway/waiting.ts";
import type { SessionControl, SessionOrder } from "../gateway/ports.ts";
import type { SessionAction } from "../journal/record.ts";
import type { OpenNode } from "./open-node.ts";
import { applyToState } from "./state.ts";

export interface SessionControlOptions {
  readonly node: Pick<OpenNode, "state" | "journal">;
  readonly nowMs: () => number;
  /** Told after each change: requests that wait are asked again whether they may. */
  readonly onChanged: () => void;
}

/** The one way in which a session is stopped, for people and for detectors alike. */
export function createSessionControl(options: SessionControlOptions): SessionControl {
  return {
    stop: (order) => change("stop", order, options),
    pause: (order) => change("pause", order, options),
    resume: (order) => change("resume", order, options),
  };
}

async function change(
  action: SessionAction,
  order: SessionOrder,
  { node, nowMs, onChanged }: SessionControlOptions,
): Promise<void> {
  const { virtualKey, session, reason, actor, idempotency } = order;
  const time = formatTime(nowMs());
  const { halts } = node.state.sessions;
  const made = halts.change({ virtualKey, session }, { action, reason, actor, time });
  const record = idempotency === undefined ? made : { ...made, idempotency };
  await node.journal.intent(record);
  applyToState(node.state, record);
  onChanged();
}

/** Where requests wait, and what stops sessions: a stop is told to those who wait. */
export function waitingAndStopping(
  node: OpenNode,
  { clock, nowMs }: { readonly clock: Clock; readonly nowMs: () => number },
): { readonly waiting: WaitingRoom; readonly sessionControl: SessionControl } {
  const waiting = new WaitingRoom(node.state.fold.ledger, clock);
  const onChanged = (): void => waiting.wake();
  return { waiting, sessionControl: createSessionControl({ node, nowMs, onChanged }) };
}
