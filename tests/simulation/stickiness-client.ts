/** Claude Code over a day of scripts: its conversations, their growth, and how it takes refusals. */
import { sleep, type EventLoop, type Process } from "./events.ts";
import { PARAMETERS } from "./parameters.ts";
import { streamOf } from "./random.ts";
import type { AgentScript, CallScript, PromptScript, SessionScript } from "./script.ts";
import type { Prompt } from "./stickiness-caches.ts";
import type { Ask, HitTally, Service } from "./stickiness-upstream.ts";

export interface Desk {
  readonly loop: EventLoop;
  readonly service: Service;
  readonly tally: HitTally;
  readonly endMs: number;
  /** How long the main conversations of this developer are cached. */
  readonly mainCacheMs: number;
}

export const FIVE_MINUTES_MS = 300_000;
const { agents, answer, background, compaction, start } = PARAMETERS;
/** As measured: eleven requests over three minutes, three on a 529, one where it is to wait for long. */
const RETRIES = 10;
const OVERLOADED_RETRIES = 2;
const LONGEST_WISH_SECONDS = 60;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 32_000;
/** A person who reads an error tries again after so long. */
const ASKED_AGAIN_MS = 120_000;

interface Talk {
  /** Of the conversation since its last compaction. */
  name: string;
  readonly model: string;
  readonly shared: Prompt["shared"];
  tokens: number;
  calls: number;
}

type Question = Pick<Ask, "kind" | "agent" | "parentAgent"> & {
  readonly talk: Talk;
  readonly call: CallScript;
  readonly freshTokens: number;
};

export class Sitting {
  readonly #script: SessionScript;
  readonly #desk: Desk;
  readonly #main: Talk;
  #compactions = 0;
  #handedOffTokens = 0;

  constructor(script: SessionScript, desk: Desk) {
    this.#script = script;
    this.#desk = desk;
    const { developer, resumedTokens, title } = script;
    this.#main = {
      name: `${script.name}/0`,
      model: developer.model,
      shared: sharedBy("main", start.tools + start.system, title.isPrefixShared, script.name),
      tokens: resumedTokens ?? developer.startTokens,
      calls: 0,
    };
  }

  *run(): Process {
    const { loop, endMs } = this.#desk;
    const { prompts, title, summary } = this.#script;
    loop.start(this.#aside("title", title, background.title.input));
    for (const [index, prompt] of prompts.entries()) {
      if (index > 0) yield* sleep(loop, prompt.gapMs);
      if (loop.nowMs >= endMs) return;
      yield* this.#prompt(prompt);
      if (index === 0 && summary !== null)
        loop.start(this.#aside("summary", summary, background.summary.input));
      if (prompt.compactsByHand && this.#main.tokens > compaction.byHandAbove)
        yield* this.#compact(prompt);
    }
  }

  *#prompt(prompt: PromptScript): Process {
    const { loop } = this.#desk;
    for (const [index, call] of prompt.calls.entries()) {
      if (index > 0) yield* sleep(loop, call.toolTimeMs);
      const freshTokens = (index === 0 ? prompt.tokens : call.newTokens) + this.#handedOffTokens;
      this.#handedOffTokens = 0;
      const question = { ...MAIN, talk: this.#main, call, freshTokens };
      yield* this.#call(question);
      if (index === 0) for (const agent of prompt.agents) loop.start(this.#agent(agent, null));
      if (this.#main.tokens > this.#script.developer.windowTokens) yield* this.#compact(prompt);
    }
  }

  *#compact({ compaction: call }: PromptScript): Process {
    const freshTokens = compaction.instructionTokens;
    const question = { ...MAIN, kind: "compaction", talk: this.#main, call, freshTokens } as const;
    yield* this.#call(question);
    this.#compactions++;
    this.#main.name = `${this.#script.name}/${this.#compactions}`;
    this.#main.tokens = this.#script.developer.startTokens + compaction.afterwards;
  }

  *#agent(script: AgentScript, parentAgent: string | null): Process {
    const { loop } = this.#desk;
    const isShared = script.calls[0]?.isPrefixShared ?? false;
    const talk: Talk = {
      name: script.name,
      model: script.model,
      shared: sharedBy("agents", agents.sharedTokens, isShared, this.#script.name),
      tokens: script.startTokens,
      calls: 0,
    };
    for (const [index, call] of script.calls.entries()) {
      if (index > 0) yield* sleep(loop, call.toolTimeMs);
      const freshTokens = index === 0 ? 0 : call.newTokens;
      const who = { kind: "subagent", agent: script.name, parentAgent } as const;
      yield* this.#call({ ...who, talk, call, freshTokens });
      if (index === 0 && script.nested !== null)
        loop.start(this.#agent(script.nested, script.name));
    }
    if (parentAgent === null) this.#handedOffTokens += agents.handOffTokens;
  }

  /** One call until it is answered: where the client gives up, the person asks again. */
  *#call({ talk, call, freshTokens, ...who }: Question): Process {
    const tokens = talk.tokens + freshTokens;
    const { model, shared } = talk;
    const lifetimeMs = who.agent === null ? this.#desk.mainCacheMs : FIVE_MINUTES_MS;
    const ask: Ask = {
      ...who,
      ...timesOf(call),
      name: `${talk.name}/${talk.calls++}`,
      session: this.#script.name,
      prompt: { model, shared, own: { name: talk.name, tokens }, lifetimeMs },
      isCached: true,
      isCut: call.fate === "cut",
    };
    for (let asked = 0; !(yield* this.#ask({ ...ask, name: `${ask.name}/${asked}` })); asked++)
      yield* sleep(this.#desk.loop, ASKED_AGAIN_MS);
    talk.tokens = tokens + call.outputTokens;
  }

  /** One call with the client's own retries; false where it gives up. */
  *#ask(ask: Ask): Process<boolean> {
    const { loop, service, tally } = this.#desk;
    const luck = streamOf(ask.name, "wait");
    let { isCut } = ask;
    for (let retries = 0; ; retries++) {
      const reply = yield* service.ask({ ...ask, isCut, name: `${ask.name}/${retries}` });
      if (reply.kind === "answered") return true;
      if (reply.kind === "cut") {
        // The client asks at once for the whole answer in one piece.
        isCut = false;
        continue;
      }
      const { status, retryAfterSeconds } = reply;
      const most = status === 529 ? OVERLOADED_RETRIES : RETRIES;
      if (retries >= most || (retryAfterSeconds ?? 0) > LONGEST_WISH_SECONDS) {
        tally.givenUp++;
        return false;
      }
      const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** retries) * (1 + luck() / 4);
      yield* sleep(loop, retryAfterSeconds === null ? waitMs : retryAfterSeconds * 1000);
    }
  }

  /** A call outside the conversation, without a marker. */
  *#aside(kind: "title" | "summary", call: CallScript, tokens: number): Process {
    const name = `${this.#script.name}/${kind}`;
    const { model } = this.#main;
    const nothing = { name, tokens: 0 };
    yield* this.#ask({
      ...MAIN,
      ...timesOf(call),
      kind: "auxiliary",
      name,
      session: this.#script.name,
      prompt: { model, shared: nothing, own: { name, tokens }, lifetimeMs: 0 },
      isCached: false,
      isCut: false,
    });
  }
}

const MAIN = { kind: "main", agent: null, parentAgent: null } as const;

function sharedBy(
  name: string,
  tokens: number,
  isShared: boolean,
  session: string,
): Prompt["shared"] {
  return { name: isShared ? `shared ${name}` : `${name} of ${session}`, tokens };
}

function timesOf({ firstTokenMs, outputTokens }: CallScript) {
  return { firstTokenMs, answerMs: (outputTokens * 1_000) / answer.tokensPerSecond };
}
