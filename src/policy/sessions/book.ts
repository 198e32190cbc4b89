/**
 * The book of sessions: who runs, since when, what it has asked for and spent, with which agents, and
 * whether it was stopped. A fold of the journal; each attempt moves it by a few steps.
 */
import type { AdmitRecord, CorrectionRecord } from "../../journal/record.ts";
import {
  limitedInputTokens,
  type Charge,
  type Hold,
  type HoldWatcher,
} from "../../ledger/ledger.ts";
import { sessionWindowName } from "../sessions.ts";
import { Halts, sessionKey, type SessionId } from "./halts.ts";
import { burn, newAgent, newSession, type TrackedAgent, type TrackedSession } from "./tracked.ts";

const SESSIONS_MAX = 50_000;
/** Of all sessions together; beyond it the sessions that were idle longest are let go. */
const AGENTS_MAX = 200_000;
/** Of one session; what goes beyond counts to the session alone. */
export const SESSION_AGENTS_MAX = 1_000;
const IDLE_MS = 30 * 86_400_000;
/** Requests whose first attempt never reached its upstream. */
const UNCOUNTED_MAX = 10_000;
/** So many that cannot be let go are passed over at a time. */
const PASSED_OVER_MAX = 8;

/** What a start needs; amounts as decimal strings. */
interface BookSnapshot {
  readonly sessions: readonly SavedSession[];
  readonly counting: readonly string[];
  readonly uncounted: readonly string[];
  readonly halts: unknown;
}

type SavedAgent = Omit<TrackedAgent, "spent"> & { readonly spent: string };
type SavedSession = Omit<TrackedSession, "spent" | "agents"> & {
  readonly spent: string;
  readonly agents: readonly (readonly [string, SavedAgent])[];
};

export class SessionBook implements HoldWatcher {
  readonly halts = new Halts();
  /** By `key/name`, in the order of their latest attempt. */
  readonly #sessions = new Map<string, TrackedSession>();
  #agentCount = 0;
  /** Holds in flight that count as their request. */
  readonly #counting = new Set<string>();
  /** Requests that nothing counts yet, though an attempt was made. */
  readonly #uncounted = new Set<string>();

  /** Null: it has made no request that is remembered. */
  find({ virtualKey, session }: SessionId): TrackedSession | null {
    return this.#sessions.get(sessionKey(virtualKey, session)) ?? null;
  }

  /** In the order of their latest attempt. */
  all(): IterableIterator<TrackedSession> {
    return this.#sessions.values();
  }

  /** The depth that an agent has, or would have: 0 for the main loop. */
  depthOf(id: SessionId, agent: string | null, parent: string | null): number {
    return agent === null ? 0 : depthIn(this.find(id), agent, parent);
  }

  readonly taken = (hold: Hold): void => {
    const { record, admittedMs } = hold;
    const id = idOf(record);
    if (id === null) return;
    const key = sessionKey(id.virtualKey, id.session);
    const session = this.#touch(key, id, admittedMs);
    session.team = record.team;
    const counts = record.attempt === 1 || this.#uncounted.delete(record.request);
    if (counts) this.#counting.add(hold.id);
    const agent = this.#agentOf(session, record, admittedMs);
    for (const tally of agent === null ? [session] : [session, agent]) {
      tally.inFlight++;
      if (counts) tally.requests++;
      tally.lastMs = Math.max(tally.lastMs, admittedMs);
    }
    this.#forgetIdle(admittedMs);
  };

  readonly settled = (hold: Hold, charge: Charge, nowMs: number): void => {
    this.#counting.delete(hold.id);
    const tokens = limitedInputTokens(charge.usage) + charge.usage.output_tokens;
    const session = this.#sessionOf(hold.record);
    if (session !== null) burn(session, charge.cost, nowMs);
    for (const tally of talliesOf(session, hold.record.agent)) {
      tally.inFlight--;
      tally.tokens += tokens;
      tally.spent += charge.cost;
    }
  };

  /** It never reached its upstream: its request counts once another attempt of it is made. */
  readonly cancelled = (hold: Hold): void => {
    const { record } = hold;
    const counted = this.#counting.delete(hold.id);
    if (counted) remember(this.#uncounted, record.request);
    const session = this.#sessionOf(record);
    for (const tally of talliesOf(session, record.agent)) {
      tally.inFlight--;
      if (counted) tally.requests--;
    }
    if (session !== null) this.#dropEmpty(session, record.agent);
  };

  correct({ spender, delta }: CorrectionRecord): void {
    if (spender === undefined) return;
    const { virtual_key: virtualKey, session, agent } = spender;
    for (const tally of talliesOf(this.find({ virtualKey, session }), agent))
      tally.spent += BigInt(delta);
  }

  snapshot(): unknown {
    const saved: BookSnapshot = {
      sessions: [...this.#sessions.values()].map(saveSession),
      counting: [...this.#counting],
      uncounted: [...this.#uncounted],
      halts: this.halts.snapshot(),
    };
    return saved;
  }

  /** What `snapshot` gave, after a way through JSON. */
  static restore(snapshot: unknown): SessionBook {
    const { sessions, counting, uncounted, halts } = snapshot as BookSnapshot;
    const book = new SessionBook();
    for (const saved of sessions) {
      const session = restoreSession(saved);
      book.#sessions.set(sessionKey(session.virtualKey, session.name), session);
      book.#agentCount += session.agents?.size ?? 0;
    }
    for (const id of counting) book.#counting.add(id);
    for (const request of uncounted) book.#uncounted.add(request);
    book.halts.restore(halts);
    return book;
  }

  /** The session, made where it is missing, as the one that was used last. */
  #touch(key: string, id: SessionId, atMs: number): TrackedSession {
    const known = this.#sessions.get(key);
    if (known !== undefined) this.#sessions.delete(key);
    const { virtualKey, session: name } = id;
    const session = known ?? newSession({ virtualKey, name, atMs });
    this.#sessions.set(key, session);
    return session;
  }

  /** Null for the main loop, and for agents beyond the number that is kept. */
  #agentOf(session: TrackedSession, record: AdmitRecord, atMs: number): TrackedAgent | null {
    const { agent, parent_agent: parent } = record;
    if (agent === null) return null;
    session.agents ??= new Map<string, TrackedAgent>();
    const known = session.agents.get(agent);
    if (known !== undefined) return known;
    if (session.agents.size >= SESSION_AGENTS_MAX) return null;
    const made = newAgent({ parent, depth: depthIn(session, agent, parent) }, atMs);
    session.agents.set(agent, made);
    this.#agentCount++;
    return made;
  }

  #sessionOf(record: AdmitRecord): TrackedSession | null {
    const id = idOf(record);
    return id === null ? null : this.find(id);
  }

  /** What was never more than an attempt that nobody has seen leaves no trace. */
  #dropEmpty(session: TrackedSession, agentId: string | null): void {
    const agent = agentId === null ? undefined : session.agents?.get(agentId);
    if (agentId !== null && agent !== undefined && isEmpty(agent)) {
      session.agents?.delete(agentId);
      this.#agentCount--;
      if (session.agents?.size === 0) session.agents = null;
    }
    if (isEmpty(session)) this.#drop(session);
  }

  #drop(session: TrackedSession): void {
    this.#agentCount -= session.agents?.size ?? 0;
    this.#sessions.delete(sessionKey(session.virtualKey, session.name));
  }

  #forgetIdle(nowMs: number): void {
    let passedOver = 0;
    for (const [key, session] of this.#sessions) {
      const isFull = this.#sessions.size > SESSIONS_MAX || this.#agentCount > AGENTS_MAX;
      if (!isFull && session.lastMs > nowMs - IDLE_MS) return;
      if (session.inFlight === 0) this.#drop(session);
      else {
        // It is in use: with the latest it is not in the way.
        this.#sessions.delete(key);
        this.#sessions.set(key, session);
        if (++passedOver >= PASSED_OVER_MAX) return;
      }
    }
  }
}

/** The session that an attempt counts to; null: it is no request for messages. */
function idOf(record: AdmitRecord): SessionId | null {
  const { virtual_key: virtualKey, counted_session: counted, session, task_type } = record;
  if (virtualKey === null || task_type === "count") return null;
  return { virtualKey, session: counted ?? sessionWindowName(session, Date.parse(record.time)) };
}

/** An agent whose parent nobody has seen is at least a subagent's. */
function depthIn(session: TrackedSession | null, agent: string, parent: string | null): number {
  const known = session?.agents?.get(agent);
  if (known !== undefined) return known.depth;
  if (parent === null) return 1;
  return (session?.agents?.get(parent)?.depth ?? 1) + 1;
}

function talliesOf(
  session: TrackedSession | null,
  agent: string | null,
): readonly (TrackedSession | TrackedAgent)[] {
  if (session === null) return [];
  const tracked = agent === null ? undefined : session.agents?.get(agent);
  return tracked === undefined ? [session] : [session, tracked];
}

function isEmpty({ requests, inFlight, tokens, spent }: TrackedSession | TrackedAgent): boolean {
  return requests === 0 && inFlight === 0 && tokens === 0 && spent === 0n;
}

function remember(set: Set<string>, value: string): void {
  set.add(value);
  if (set.size <= UNCOUNTED_MAX) return;
  const oldest = set.keys().next();
  if (oldest.done !== true) set.delete(oldest.value);
}

function saveSession(session: TrackedSession): SavedSession {
  const { agents, ...rest } = session;
  const saved = [...(agents ?? [])].map(
    ([id, agent]) => [id, { ...agent, spent: String(agent.spent) }] as const,
  );
  return { ...rest, spent: String(session.spent), agents: saved };
}

function restoreSession({ agents, spent, ...rest }: SavedSession): TrackedSession {
  const restored = agents.map(
    ([id, agent]) => [id, { ...agent, spent: BigInt(agent.spent) }] as const,
  );
  return {
    ...rest,
    spent: BigInt(spent),
    agents: restored.length === 0 ? null : new Map(restored),
  };
}
