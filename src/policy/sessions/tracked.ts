/** What is kept of a session and its agents: a few numbers each, moved by every attempt. */

const HOUR_MS = 3_600_000;
/** A session's rate forgets what is older than a few minutes. */
const MEMORY_MS = 300_000;

/** What sessions and their agents have in common. */
interface Tally {
  /** Unix milliseconds of its first attempt. */
  readonly firstMs: number;
  /** Of its latest. */
  lastMs: number;
  /** Begun; further attempts of a request are no more requests. */
  requests: number;
  /** As token limits count: uncached input, cache writes and output. */
  tokens: number;
  /** Settled, nano-dollars. */
  spent: bigint;
  /** Attempts that run. */
  inFlight: number;
}

export interface TrackedAgent extends Tally {
  readonly parent: string | null;
  /** 1: started by the main loop. */
  readonly depth: number;
}

export interface TrackedSession extends Tally {
  readonly virtualKey: string;
  readonly name: string;
  /** Of its latest attempt. */
  team: string | null;
  /** Nano-dollars of the last minutes, older ones weighing less; as of `burnMs`. */
  burn: number;
  burnMs: number;
  /** By id; null: it has had none. */
  agents: Map<string, TrackedAgent> | null;
}

export function newSession(of: {
  readonly virtualKey: string;
  readonly name: string;
  readonly atMs: number;
}): TrackedSession {
  const { virtualKey, name, atMs } = of;
  return { virtualKey, name, team: null, burn: 0, burnMs: atMs, agents: null, ...newTally(atMs) };
}

export function newAgent(
  of: { readonly parent: string | null; readonly depth: number },
  atMs: number,
): TrackedAgent {
  return { ...of, ...newTally(atMs) };
}

function newTally(atMs: number): Tally {
  return { firstMs: atMs, lastMs: atMs, requests: 0, tokens: 0, spent: 0n, inFlight: 0 };
}

/** Counts a charge into the session's rate. */
export function burn(session: TrackedSession, cost: bigint, atMs: number): void {
  session.burn = burnAt(session, atMs) + Number(cost);
  session.burnMs = Math.max(session.burnMs, atMs);
}

/** Nano-dollars an hour, over the last minutes. */
export function nanoPerHour(session: TrackedSession, nowMs: number): number {
  return (burnAt(session, nowMs) * HOUR_MS) / MEMORY_MS;
}

function burnAt(session: TrackedSession, atMs: number): number {
  const agoMs = Math.max(0, atMs - session.burnMs);
  return agoMs === 0 ? session.burn : session.burn * Math.exp(-agoMs / MEMORY_MS);
}
