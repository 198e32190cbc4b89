/** Which sessions are stopped or paused, why and by whom: folded from the journal, so that it lasts. */
import type { AdminChangeRecord, SessionAction } from "../../journal/record.ts";

/** As records name it. */
export const SESSION_ENTITY = "session";
/** The oldest are let go beyond it; each is an operator's or a detector's decision. */
const HALTS_MAX = 100_000;

export type HaltState = "stopped" | "paused";
export type SessionState = "running" | HaltState;

export interface Halt {
  readonly state: HaltState;
  /** Null: none was given. */
  readonly reason: string | null;
  readonly actor: string;
  /** Unix milliseconds. */
  readonly sinceMs: number;
}

/** Which session: a virtual key and the name under which its requests are counted. */
export interface SessionId {
  readonly virtualKey: string;
  readonly session: string;
}

/** `before` and `after` of a record. */
interface HaltChange {
  readonly virtual_key: string;
  readonly session: string;
  readonly state: SessionState;
  readonly reason: string | null;
}

const STATES: Readonly<Record<SessionAction, SessionState>> = {
  stop: "stopped",
  pause: "paused",
  resume: "running",
};

export class Halts {
  /** By name, in the order in which they were made. */
  readonly #halts = new Map<string, Halt>();

  of({ virtualKey, session }: SessionId): Halt | null {
    return this.#halts.get(sessionKey(virtualKey, session)) ?? null;
  }

  /** By `key/session`. */
  all(): IterableIterator<[string, Halt]> {
    return this.#halts.entries();
  }

  /** The record that puts a session into another state; `nowText` is its time. */
  change(
    id: SessionId,
    order: {
      readonly action: SessionAction;
      readonly reason: string | null;
      readonly actor: string;
      readonly time: string;
    },
  ): AdminChangeRecord {
    const { action, reason, actor, time } = order;
    const halt = this.of(id);
    return {
      type: "admin_change",
      time,
      actor,
      action,
      entity: SESSION_ENTITY,
      id: sessionKey(id.virtualKey, id.session),
      before: changeOf(id, halt?.state ?? "running", halt?.reason ?? null),
      after: changeOf(id, STATES[action], reason),
    };
  }

  /** Applies one record; those about other entities change nothing here. */
  apply(record: AdminChangeRecord): void {
    if (record.entity !== SESSION_ENTITY) return;
    const { state, reason } = record.after as HaltChange;
    this.#halts.delete(record.id);
    if (state === "running") return;
    const { actor } = record;
    this.#halts.set(record.id, { state, reason, actor, sinceMs: Date.parse(record.time) });
    if (this.#halts.size <= HALTS_MAX) return;
    const oldest = this.#halts.keys().next();
    if (oldest.done !== true) this.#halts.delete(oldest.value);
  }

  snapshot(): unknown {
    return [...this.#halts];
  }

  restore(saved: unknown): void {
    for (const [key, halt] of saved as [string, Halt][]) this.#halts.set(key, halt);
  }
}

/** A key's id has no slash: the first one ends it. */
export function sessionKey(virtualKey: string, session: string): string {
  return `${virtualKey}/${session}`;
}

export function parseSessionKey(key: string): SessionId {
  const slash = key.indexOf("/");
  return { virtualKey: key.slice(0, slash), session: key.slice(slash + 1) };
}

function changeOf(id: SessionId, state: SessionState, reason: string | null): HaltChange {
  return { virtual_key: id.virtualKey, session: id.session, state, reason };
}
