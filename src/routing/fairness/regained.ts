/** Which keys come back by degrees now, and the attempts that are under way with them. */
import { Regain } from "./regain.ts";

/** An attempt that counts in its key's bound; ended once. */
export interface Passing {
  readonly regain: Regain;
  readonly beganMs: number;
}

export class Regained {
  readonly #keys = new Map<string, Regain>();

  /** Whether the key has a bound. */
  isBound(provider: string, key: string): boolean {
    return this.#keys.size > 0 && this.#keys.has(nameOf(provider, key));
  }

  /** Whether one more attempt may be made with the key. */
  hasRoom(provider: string, key: string): boolean {
    return this.#keys.size === 0 || (this.#keys.get(nameOf(provider, key))?.hasRoom ?? true);
  }

  /** Counts an attempt; null where the key has no bound. */
  begin(provider: string, key: string, nowMs: number): Passing | null {
    if (this.#keys.size === 0) return null;
    const name = nameOf(provider, key);
    const regain = this.#keys.get(name);
    if (regain?.isOver(nowMs) === true) this.#keys.delete(name);
    else if (regain !== undefined) {
      regain.begin(nowMs);
      return { regain, beganMs: nowMs };
    }
    return null;
  }

  /** The key was refused for its rate. */
  refused(
    provider: string,
    key: string,
    of: { readonly beganMs: number; readonly nowMs: number },
  ): void {
    const name = nameOf(provider, key);
    const known = this.#keys.get(name);
    if (known === undefined) this.#keys.set(name, new Regain(of.nowMs));
    else known.refused(of.beganMs, of.nowMs);
  }
}

/** Ids of providers hold no slash. */
function nameOf(provider: string, key: string): string {
  return `${provider}/${key}`;
}
