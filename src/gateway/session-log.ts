/** Since when sessions are known on this node and how many requests they made: for routing rules. */

const SESSIONS_MAX = 20_000;

export interface SessionSeen {
  /** Unix milliseconds of its first request. */
  readonly firstMs: number;
  /** Before this one. */
  readonly requests: number;
}

export class SessionLog {
  /** In order of last use. */
  readonly #seen = new Map<string, SessionSeen>();

  /** What was known of the session before this request; counts it. Without a session: nothing. */
  note(virtualKey: string, session: string | null, nowMs: number): SessionSeen {
    if (session === null) return { firstMs: nowMs, requests: 0 };
    const name = `${virtualKey} ${session}`;
    const known = this.#seen.get(name) ?? { firstMs: nowMs, requests: 0 };
    this.#seen.delete(name);
    this.#seen.set(name, { firstMs: known.firstMs, requests: known.requests + 1 });
    if (this.#seen.size > SESSIONS_MAX) {
      const oldest = this.#seen.keys().next();
      if (oldest.done !== true) this.#seen.delete(oldest.value);
    }
    return known;
  }
}
