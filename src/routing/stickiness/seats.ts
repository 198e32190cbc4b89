/** Where each session sits: the door that its thinking signatures and its cached prompt belong to. */

/** One agent of a session has its own conversation, and therefore its own seat. */
export interface Sitter {
  readonly virtualKey: string;
  readonly session: string;
  /** Null for the session's main conversation. */
  readonly agent: string | null;
}

export interface Seat {
  readonly provider: string;
  /** Id of the provider's key; null where it needs none. Caches belong to the account behind it. */
  readonly key: string | null;
  readonly door: string;
  /** As the provider names it. */
  readonly model: string;
  /** Unix milliseconds of the last answer. */
  readonly lastAtMs: number;
  /** For how long after that the provider keeps the prompt; 0: it keeps none. */
  readonly cacheMs: number;
  /** The prompt's tokens of the last answer, cached or not: what a change of doors sends anew. */
  readonly historyTokens: number;
}

export interface SeatsSnapshot {
  readonly version: 1;
  readonly seats: readonly (readonly [name: string, seat: Seat])[];
}

/** A session that comes back the next morning still finds its signatures' door. */
const IDLE_MS = 86_400_000;
const SEATS_MAX = 20_000;
/** About a megabyte of JSON. */
const SAVED_MAX = 4_000;

/** Bounded: the least recently used seats are forgotten, and those of sessions idle for a day. */
export class Seats {
  /** In order of last use. */
  readonly #seats = new Map<string, Seat>();

  /** The seat taken last, or null. `nowMs`: Unix milliseconds. */
  recall(sitter: Sitter, nowMs: number): Seat | null {
    const name = nameOf(sitter);
    const seat = this.#seats.get(name);
    if (seat === undefined) return null;
    if (nowMs - seat.lastAtMs <= IDLE_MS) return seat;
    this.#seats.delete(name);
    return null;
  }

  /** Sits down, or moves: after a fail-over the session stays where it went. */
  remember(sitter: Sitter, seat: Seat): void {
    const name = nameOf(sitter);
    this.#seats.delete(name);
    this.#seats.set(name, seat);
    if (this.#seats.size <= SEATS_MAX) return;
    const oldest = this.#seats.keys().next();
    if (oldest.done !== true) this.#seats.delete(oldest.value);
  }

  /** The 4,000 seats used last, as plain JSON. */
  snapshot(): SeatsSnapshot {
    return { version: 1, seats: [...this.#seats].slice(-SAVED_MAX) };
  }

  /** Takes over a snapshot as read from a file; what is malformed or idle for a day is left out. */
  restore(snapshot: unknown, nowMs: number): void {
    if (!isRecord(snapshot) || snapshot["version"] !== 1) return;
    const { seats } = snapshot;
    if (!Array.isArray(seats)) return;
    const entries: readonly unknown[] = seats.slice(-SAVED_MAX);
    for (const entry of entries) {
      const name: unknown = Array.isArray(entry) ? entry[0] : null;
      const seat: unknown = Array.isArray(entry) ? entry[1] : null;
      if (typeof name !== "string" || !isSeat(seat)) continue;
      const isOfNow = seat.lastAtMs <= nowMs && nowMs - seat.lastAtMs <= IDLE_MS;
      if (isOfNow) this.#seats.set(name, seat);
    }
  }
}

/** Whether the provider should still hold the session's prompt at `nowMs` (Unix milliseconds). */
export function isWarm(seat: Seat, nowMs: number): boolean {
  return nowMs - seat.lastAtMs < seat.cacheMs;
}

/** Ids of keys come from the configuration; the lengths keep the client's two apart. */
function nameOf({ virtualKey, session, agent }: Sitter): string {
  return `${virtualKey} ${session.length} ${session} ${agent ?? ""}`;
}

function isSeat(value: unknown): value is Seat {
  if (!isRecord(value)) return false;
  const { provider, key, door, model } = value;
  const texts = [provider, door, model, key ?? ""];
  const counts = [value["lastAtMs"], value["cacheMs"], value["historyTokens"]];
  return (
    texts.every((text) => typeof text === "string") &&
    counts.every((count) => Number.isSafeInteger(count) && Number(count) >= 0)
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
