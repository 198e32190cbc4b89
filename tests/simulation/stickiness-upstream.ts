/** Two providers with their caches and their weather, and where the input of every answer came from. */
import { sleep, type EventLoop, type Process } from "./events.ts";
import { PromptCaches, type Prompt } from "./stickiness-caches.ts";
import type { Account, Refused, Weather } from "./stickiness-weather.ts";

/** One call of a client, as it reaches whoever serves it. */
export interface Ask {
  /** Of this try alone: it draws the luck. */
  readonly name: string;
  readonly session: string;
  readonly agent: string | null;
  readonly parentAgent: string | null;
  readonly kind: "main" | "subagent" | "compaction" | "auxiliary";
  readonly prompt: Prompt;
  /** It carries markers; a side call has none. */
  readonly isCached: boolean;
  readonly firstTokenMs: number;
  readonly answerMs: number;
  readonly isCut: boolean;
}

export type Reply =
  | { readonly kind: "answered" }
  | { readonly kind: "cut" }
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly retryAfterSeconds: number | null;
    };

/** Who serves clients: the gateway, or a provider itself. */
export interface Service {
  readonly ask: (ask: Ask) => Process<Reply>;
}

/**
 * Why a conversation is not where its cache is. `shut`: the account refuses everybody now. `refused`: it
 * refused just this request. `caution`: health does not trust it yet. `restart`: the answer before this
 * one was cut off with its process, which told nobody. `free`: nothing forced it.
 */
export type Leaving = "shut" | "refused" | "caution" | "restart" | "free";

/** Why input was not read from a cache. `spread`: another account had its tools and system. */
export const CAUSES = [
  "new",
  "expired",
  "shut",
  "refused",
  "caution",
  "spread",
  "restart",
  "free",
] as const satisfies readonly (Leaving | "new" | "expired" | "spread")[];
export type Cause = (typeof CAUSES)[number];

interface Last {
  readonly account: Account;
  readonly tokens: number;
  readonly untilMs: number;
}

const REFUSED_AFTER_MS = 200;

/** Sums of the input of all answers. */
export class HitTally {
  input = 0;
  read = 0;
  answers = 0;
  givenUp = 0;
  readonly lost = new Map<Cause, number>();

  get hitShare(): number {
    return this.read / this.input;
  }

  /** The part of all input that was not read for this cause. */
  share(...causes: readonly Cause[]): number {
    return causes.reduce((sum, cause) => sum + (this.lost.get(cause) ?? 0), 0) / this.input;
  }

  add(cause: Cause, tokens: number): void {
    this.lost.set(cause, (this.lost.get(cause) ?? 0) + tokens);
  }
}

export class Upstreams {
  readonly tally = new HitTally();
  readonly weather: Weather;
  readonly #loop: EventLoop;
  readonly #accounts: readonly Account[];
  readonly #caches = new PromptCaches();
  readonly #last = new Map<string, Last>();

  constructor(loop: EventLoop, accounts: readonly Account[], weather: Weather) {
    this.#loop = loop;
    this.#accounts = accounts;
    this.weather = weather;
  }

  /** Where the conversation was answered last; null: nowhere yet. */
  lastOf(prompt: Prompt): Last | null {
    return this.#last.get(prompt.own.name) ?? null;
  }

  /** One attempt, and how it was refused; `onServing` is called with its first content. */
  *attempt(
    account: Account,
    ask: Ask,
    of: { readonly leaving: () => Leaving; readonly onServing: () => void },
  ): Process<Refused | null> {
    const loop = this.#loop;
    const refused = this.weather.refusal(account, loop.nowMs, `${ask.name} ${loop.nowMs}`);
    if (refused !== null) {
      yield* sleep(loop, REFUSED_AFTER_MS);
      return refused;
    }
    const slowness = this.weather.slowness(account, loop.nowMs);
    const read = ask.isCached ? this.#caches.readable(account, ask.prompt, loop.nowMs) : 0;
    this.#count(account, ask, { read, leaving: of.leaving });
    yield* sleep(loop, ask.firstTokenMs * slowness);
    const { prompt } = ask;
    if (ask.isCached) {
      this.#caches.keep(account, prompt, loop.nowMs);
      const untilMs = loop.nowMs + prompt.lifetimeMs;
      this.#last.set(prompt.own.name, { account, tokens: prompt.own.tokens, untilMs });
    }
    of.onServing();
    yield* sleep(loop, (ask.isCut ? ask.answerMs / 2 : ask.answerMs) * slowness);
    return null;
  }

  #count(
    account: Account,
    { prompt, isCached }: Ask,
    { read, leaving }: { readonly read: number; readonly leaving: () => Leaving },
  ): void {
    const { tally } = this;
    const { tokens } = prompt.own;
    tally.answers++;
    tally.input += tokens;
    tally.read += read;
    const last = this.#last.get(prompt.own.name);
    const best = isCached ? this.#bestRead(prompt) : 0;
    const known = last === undefined ? best : Math.min(last.tokens, tokens);
    const lost = Math.max(0, known - read);
    tally.add("new", tokens - read - lost);
    if (lost > 0) tally.add(this.#causeOf(account, last, leaving), lost);
  }

  #causeOf(account: Account, last: Last | undefined, leaving: () => Leaving): Cause {
    if (last === undefined) return "spread";
    if (last.untilMs <= this.#loop.nowMs || last.account === account) return "expired";
    return leaving();
  }

  /** What the luckiest account would have read. */
  #bestRead(prompt: Prompt): number {
    const { nowMs } = this.#loop;
    return Math.max(...this.#accounts.map((each) => this.#caches.readable(each, prompt, nowMs)));
  }
}

/** A client's own way: one key of one provider, whatever happens. */
export class Direct implements Service {
  readonly #upstreams: Upstreams;
  readonly #account: Account;

  constructor(upstreams: Upstreams, account: Account) {
    this.#upstreams = upstreams;
    this.#account = account;
  }

  *ask(ask: Ask): Process<Reply> {
    const of = { leaving: () => "free" as const, onServing: () => undefined };
    const refused = yield* this.#upstreams.attempt(this.#account, ask, of);
    if (refused !== null) return { kind: "refused", ...refused };
    return ask.isCut ? { kind: "cut" } : { kind: "answered" };
  }
}
