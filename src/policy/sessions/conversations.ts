/** Which session a conversation belongs to, whatever id it comes back under: folded from admissions. */
import { isDefaultSession } from "../sessions.ts";
import { forgetOldest } from "./forget.ts";
import { parseSessionKey, sessionKey, type SessionId } from "./halts.ts";

/** The oldest are let go beyond it. */
const KNOWN_MAX = 100_000;

export class Conversations {
  /** `key/opening` → session, in the order in which they were learnt. */
  readonly #openings = new Map<string, string>();
  /** `key/id` → the session that requests with this id count to. */
  readonly #continued = new Map<string, string>();
  /** Openings learnt by virtual key. */
  readonly #counts = new Map<string, number>();

  /** The session that requests with this id count to; null: its own. */
  continuedBy({ virtualKey, session }: SessionId): string | null {
    return this.#continued.get(sessionKey(virtualKey, session)) ?? null;
  }

  /** The session in which the key's conversation that begins so was seen first; null: in none. */
  sessionOf(virtualKey: string, opening: string): string | null {
    return this.#openings.get(sessionKey(virtualKey, opening)) ?? null;
  }

  /** True where some opening of this key is known. */
  has(virtualKey: string): boolean {
    return this.#counts.has(virtualKey);
  }

  learn({ virtualKey, session }: SessionId, opening: string): void {
    const key = sessionKey(virtualKey, opening);
    if (this.#openings.has(key)) return;
    this.#openings.set(key, session);
    this.#count(virtualKey, 1);
    forgetOldest(this.#openings, KNOWN_MAX, (gone) =>
      this.#count(parseSessionKey(gone).virtualKey, -1),
    );
  }

  /** Requests with the id `sent` count to `id` from here on. */
  continue(sent: string, { virtualKey, session }: SessionId): void {
    // Ids beyond a key's number of sessions fall into the default session for an hour, not for good.
    if (sent === session || isDefaultSession(session)) return;
    this.#continued.set(sessionKey(virtualKey, sent), session);
    forgetOldest(this.#continued, KNOWN_MAX);
  }

  snapshot(): unknown {
    return { openings: [...this.#openings], continued: [...this.#continued] };
  }

  restore(saved: unknown): void {
    const { openings, continued } = saved as Record<"openings" | "continued", [string, string][]>;
    for (const [key, session] of openings) {
      this.#openings.set(key, session);
      this.#count(parseSessionKey(key).virtualKey, 1);
    }
    for (const [key, session] of continued) this.#continued.set(key, session);
  }

  #count(virtualKey: string, by: number): void {
    const count = (this.#counts.get(virtualKey) ?? 0) + by;
    if (count === 0) this.#counts.delete(virtualKey);
    else this.#counts.set(virtualKey, count);
  }
}
