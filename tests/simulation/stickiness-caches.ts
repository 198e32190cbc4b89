/** Prompt caches as providers keep them: by account, model and prefix, for a time that each use renews. */
import type { Account } from "./stickiness-weather.ts";

/** One prompt as caches see it: what it shares with others, and its own conversation. */
export interface Prompt {
  readonly model: string;
  /** Tools and system; the name is the same for all who send the same. */
  readonly shared: { readonly name: string; readonly tokens: number };
  /** The conversation up to its last marker; it grows, and only grows, under this name. */
  readonly own: { readonly name: string; readonly tokens: number };
  readonly lifetimeMs: number;
}

interface Entry {
  readonly tokens: number;
  readonly untilMs: number;
}

export class PromptCaches {
  readonly #entries = new Map<string, Entry>();

  /** Tokens of the longest prefix that the account still has. */
  readable(account: Account, { model, shared, own }: Prompt, nowMs: number): number {
    const tokens = [own.name, shared.name].map((name) => {
      const entry = this.#entries.get(keyOf(account, model, name));
      return entry === undefined || entry.untilMs <= nowMs ? 0 : entry.tokens;
    });
    return Math.min(own.tokens, Math.max(...tokens));
  }

  /** The account has begun to answer: all of the prompt is in its cache, and was used. */
  keep(account: Account, { model, shared, own, lifetimeMs }: Prompt, nowMs: number): void {
    for (const { name, tokens } of [shared, own])
      this.#entries.set(keyOf(account, model, name), { tokens, untilMs: nowMs + lifetimeMs });
  }
}

function keyOf(account: Account, model: string, name: string): string {
  return `${account} ${model} ${name}`;
}
