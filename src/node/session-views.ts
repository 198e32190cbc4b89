/** What the control API shows of sessions, and how it changes one. */
import type { Config } from "../config/config.ts";
import type { AgentView, ControlPorts, SessionView } from "../control/ports.ts";
import type { SessionControl } from "../gateway/ports.ts";
import type { SessionBook } from "../policy/sessions/book.ts";
import {
  parseSessionKey,
  sessionKey,
  type Halt,
  type SessionId,
} from "../policy/sessions/halts.ts";
import { nanoPerHour, type TrackedSession } from "../policy/sessions/tracked.ts";

export interface SessionViewOptions {
  readonly book: SessionBook;
  readonly control: SessionControl;
  readonly config: () => Config;
  readonly nowMs: () => number;
}

export function createSessionViews(options: SessionViewOptions): ControlPorts["sessions"] {
  const { book, control, config, nowMs } = options;
  const view = (id: SessionId): SessionView =>
    viewOf(id, { session: book.find(id), halt: book.halts.of(id) }, nowMs());
  const get = (id: SessionId): SessionView | null =>
    book.find(id) === null && book.halts.of(id) === null ? null : view(id);
  return {
    get,
    list: () => {
      const atMs = nowMs();
      const seen = new Set<string>();
      const views: SessionView[] = [];
      for (const session of book.all()) {
        const id = { virtualKey: session.virtualKey, session: session.name };
        seen.add(sessionKey(id.virtualKey, id.session));
        views.push(viewOf(id, { session, halt: book.halts.of(id) }, atMs));
      }
      for (const [key, halt] of book.halts.all())
        if (!seen.has(key)) views.push(viewOf(parseSessionKey(key), { session: null, halt }, atMs));
      return views;
    },
    change: async (action, order) => {
      const { virtualKey, session } = order;
      const isKnown = config().virtualKeys.some(({ id }) => id === virtualKey);
      if (!isKnown && get(order) === null)
        return { status: 404, message: `there is no virtual key "${virtualKey}"` };
      await control[action](order);
      return view({ virtualKey, session });
    },
  };
}

function viewOf(
  { virtualKey, session: name }: SessionId,
  of: { readonly session: TrackedSession | null; readonly halt: Halt | null },
  nowMs: number,
): SessionView {
  const { session, halt } = of;
  const { state, reason, actor, sinceMs } = halt ?? RUNNING;
  const agents = agentsOf(session);
  return {
    ...NOTHING,
    ...session,
    virtualKey,
    session: name,
    state,
    reason,
    actor,
    sinceMs,
    nanoPerHour: session === null ? 0 : nanoPerHour(session, nowMs),
    depth: agents.reduce((deepest, { depth }) => Math.max(deepest, depth), 0),
    agentCount: agents.length,
    agents: () => agents,
  };
}

const RUNNING = { state: "running", reason: null, actor: null, sinceMs: null } as const;

/** Of a session none of whose requests is remembered. */
const NOTHING = {
  team: null,
  firstMs: null,
  lastMs: null,
  requests: 0,
  tokens: 0,
  spent: 0n,
  inFlight: 0,
} as const;

function agentsOf(session: TrackedSession | null): AgentView[] {
  return [...(session?.agents ?? [])].map(([agent, tracked]) => ({ agent, ...tracked }));
}
