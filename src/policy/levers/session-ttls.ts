/** Remembers with which life of its prompt cache a session began: a change in its middle writes all anew. */
import type { CacheTtl } from "../../config/levers-config.ts";
import type { Said } from "./levers.ts";

/** What the least recently used of more sessions began with is forgotten. */
const SESSIONS_MAX = 20_000;

const AS_ASKED: Said<CacheTtl> = { value: "as_asked", by: "session" };

export class SessionTtls {
  /** In order of last use. */
  readonly #begun = new Map<string, Said<CacheTtl>>();

  /**
   * What this request's markers get. The first request of a session, and of each of its agents, decides
   * for those that follow; without a session every request decides for itself.
   *
   * @param ttl What the levers say now; null: nothing.
   */
  decide(
    of: {
      readonly virtualKey: string;
      readonly session: string | null;
      readonly agent: string | null;
    },
    ttl: Said<CacheTtl> | null,
  ): Said<CacheTtl> {
    const now = ttl ?? AS_ASKED;
    if (of.session === null) return now;
    const name = JSON.stringify([of.virtualKey, of.session, of.agent]);
    const begun = this.#begun.get(name) ?? now;
    this.#begun.delete(name);
    this.#begun.set(name, begun);
    if (this.#begun.size > SESSIONS_MAX) {
      const oldest = this.#begun.keys().next();
      if (oldest.done !== true) this.#begun.delete(oldest.value);
    }
    return begun;
  }
}
