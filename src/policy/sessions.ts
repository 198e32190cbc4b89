/** Which session's window a request spends from. Ids come from clients: a guard, not a wall. */

const ID_BYTES_MAX = 128;
const SESSIONS_PER_HOUR_MAX = 1000;
const DEFAULT_PREFIX = "default ";
const HOUR_MS = 3_600_000;

export class Sessions {
  /** Per virtual key: session id → last use. In order of first use within the map. */
  readonly #used = new Map<string, Map<string, number>>();

  /**
   * The name of the session window for what the client sent: its own id, or the key's default session of
   * the day where it sent none, one of more than 128 bytes, or one beyond the 1,000 that a key may use
   * within an hour.
   */
  nameOf(virtualKey: string, sent: string | null, nowMs: number): string {
    const name = sessionWindowName(sent, nowMs);
    if (name !== sent) return name;
    const used = this.#usedBy(virtualKey);
    if (!used.has(sent) && used.size >= SESSIONS_PER_HOUR_MAX) {
      for (const [id, lastMs] of used) if (lastMs <= nowMs - HOUR_MS) used.delete(id);
      if (used.size >= SESSIONS_PER_HOUR_MAX) return defaultSession(nowMs);
    }
    used.set(sent, nowMs);
    return sent;
  }

  #usedBy(virtualKey: string): Map<string, number> {
    const known = this.#used.get(virtualKey);
    if (known !== undefined) return known;
    const used = new Map<string, number>();
    this.#used.set(virtualKey, used);
    return used;
  }

  /** Sessions of a key with their last use, Unix milliseconds. */
  of(virtualKey: string): ReadonlyMap<string, number> {
    return this.#used.get(virtualKey) ?? new Map<string, number>();
  }
}

/** The window's name for what was sent, but for the rule about too many sessions. */
export function sessionWindowName(sent: string | null, atMs: number): string {
  const isId = sent !== null && sent !== "" && Buffer.byteLength(sent) <= ID_BYTES_MAX;
  return isId ? sent : defaultSession(atMs);
}

function defaultSession(nowMs: number): string {
  return `${DEFAULT_PREFIX}${new Date(nowMs).toISOString().slice(0, "YYYY-MM-DD".length)}`;
}

/** Whether a name is that of a key's default session. A client may choose it too, and gets the same. */
export function isDefaultSession(name: string): boolean {
  return name.startsWith(DEFAULT_PREFIX);
}
