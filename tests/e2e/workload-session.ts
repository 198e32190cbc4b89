/** One coding session of a script, played against a gateway with all its pauses compressed. */
import { setTimeout as delay } from "node:timers/promises";
import { PARAMETERS } from "../simulation/parameters.ts";
import type { AgentScript, CallScript, PromptScript, SessionScript } from "../simulation/script.ts";
import { Conversation, words } from "./workload-conversation.ts";
import { answerBlocks } from "./workload-provider.ts";

/** One request and what its answer is to be. */
export interface Question {
  readonly session: string;
  readonly agent: string | null;
  readonly body: Buffer;
  readonly stream: boolean;
  readonly isCompaction: boolean;
  readonly call: CallScript;
  readonly outputTokens: number;
  /** Since the agent's call before, on the script's clock. */
  readonly idleMs: number;
  /** Nothing smaller could be asked in its place. */
  readonly isFresh: boolean;
  /** Goes on with an answer that was cut at its `max_tokens`. */
  readonly isContinuation: boolean;
}

export type Reply =
  | { readonly kind: "answered"; readonly outputTokens: number; readonly isCutShort: boolean }
  | { readonly kind: "failed" }
  | { readonly kind: "refused"; readonly code: RefusedFor };

export type RefusedFor = "budget_busy" | "request_exceeds_budget" | "budget_exhausted";
export type Ask = (question: Question) => Promise<Reply>;

/** How a call ended for good. */
type End = "answered" | RefusedFor;

const { answer, background, body, client, compaction } = PARAMETERS;
/** A second of the script passes in a millisecond, and no pause is longer than this. */
const PAUSE_MS_MAX = 5;
/** What the client waits before it tries again: after an error, and where the budget was busy. */
const RETRY_MS = 20;
const MS_PER_SECOND = 1_000;
/** In a row, of one call: more than the script lets go wrong. */
const FAILURES_MAX = 5;
const PROMPT_TOKENS_LEAST = 1;

export class Session {
  readonly #script: SessionScript;
  readonly #ask: Ask;
  readonly #main: Conversation;
  readonly #agents: Promise<void>[] = [];
  #calls = 0;
  #handedOffTokens = 0;
  #end: End = "answered";

  constructor(script: SessionScript, ask: Ask) {
    this.#script = script;
    this.#ask = ask;
    const { tools, system } = PARAMETERS.start;
    this.#main = new Conversation({
      model: script.developer.model,
      session: script.name,
      tools: body.mainTools,
      fixedTokens: tools + system,
      startTokens: script.resumedTokens ?? script.developer.startTokens,
    });
  }

  /** Plays it to its last prompt, or to where it is refused for good; says how it ended. */
  async run(): Promise<End> {
    const title = this.#aside(this.#script.title);
    for (const [index, prompt] of this.#script.prompts.entries()) {
      const idleMs = index === 0 ? 0 : prompt.gapMs;
      await pause(idleMs);
      await this.#prompt(prompt, idleMs);
      if (this.#end !== "answered") break;
    }
    await Promise.all([title, ...this.#agents]);
    return this.#end;
  }

  async #prompt(prompt: PromptScript, gapMs: number): Promise<void> {
    for (const [index, call] of prompt.calls.entries()) {
      const idleMs = index === 0 ? gapMs : call.toolTimeMs;
      if (index > 0) await pause(idleMs);
      const newTokens = (index === 0 ? prompt.tokens : call.newTokens) + this.#handedOffTokens;
      this.#handedOffTokens = 0;
      const isFresh = this.#calls === 0 && this.#script.resumedTokens === null;
      const end = await this.#turn(this.#main, { call, newTokens, idleMs, isFresh, agent: null });
      if (end !== "answered") {
        this.#end = end;
        return;
      }
      if (index === 0) this.#agents.push(...prompt.agents.map((agent) => this.#agent(agent)));
      await this.#compact(prompt);
    }
  }

  async #compact(prompt: PromptScript): Promise<void> {
    const { windowTokens, startTokens } = this.#script.developer;
    const isByHand = prompt.compactsByHand && this.#main.tokens > compaction.byHandAbove;
    if (this.#main.tokens <= windowTokens && !isByHand) return;
    const newTokens = compaction.instructionTokens;
    const step = { call: prompt.compaction, newTokens, idleMs: 0, isFresh: false, agent: null };
    const end = await this.#turn(this.#main, { ...step, isCompaction: true });
    if (end === "answered") this.#main.restart(startTokens + compaction.afterwards);
    else this.#end = end;
  }

  async #agent(script: AgentScript): Promise<void> {
    const conversation = new Conversation({
      model: script.model,
      session: this.#script.name,
      tools: body.agentTools,
      fixedTokens: PARAMETERS.agents.sharedTokens,
      startTokens: script.startTokens,
    });
    for (const [index, call] of script.calls.entries()) {
      const idleMs = index === 0 ? 0 : call.toolTimeMs;
      await pause(idleMs);
      const newTokens = index === 0 ? PROMPT_TOKENS_LEAST : call.newTokens;
      const agent = script.name;
      const end = await this.#turn(conversation, {
        call,
        newTokens,
        idleMs,
        isFresh: false,
        agent,
      });
      if (end !== "answered") break;
    }
    this.#handedOffTokens += PARAMETERS.agents.handOffTokens;
  }

  /** Says what is new, asks, and goes on with an answer that was cut at its `max_tokens`. */
  async #turn(conversation: Conversation, step: Step): Promise<End> {
    let { newTokens } = step;
    let outputTokens = step.call.outputTokens;
    for (let continuation = 0; continuation <= client.continuations; continuation++) {
      conversation.say("user", [{ type: "text", text: words(newTokens) }]);
      const of = { outputTokens, isContinuation: continuation > 0 };
      const reply = await this.#insist(conversation, { ...step, ...of });
      if (reply.kind !== "answered") return reply.code;
      const id = `${step.agent ?? "main"}${this.#calls++}`;
      conversation.say("assistant", answerBlocks(id, reply.outputTokens));
      outputTokens -= reply.outputTokens;
      if (!reply.isCutShort || outputTokens <= 0) break;
      newTokens = client.resumeTokens;
    }
    return "answered";
  }

  /** Asks until there is an answer or a refusal for good. */
  async #insist(conversation: Conversation, step: AskedStep): Promise<Settled> {
    let { call, idleMs } = step;
    const again: CallScript = { ...call, fate: "answered" };
    let stream = true;
    let [busy, failures] = [0, 0];
    const session = this.#script.name;
    const { agent, outputTokens, isFresh, isContinuation, isCompaction = false } = step;
    const same = { session, agent, outputTokens, isFresh, isContinuation, isCompaction };
    for (;;) {
      const sent = conversation.body({ maxTokens: body.maxTokens, stream });
      const reply = await this.#ask(Object.assign({ call, idleMs, stream, body: sent }, same));
      if (reply.kind === "answered") return reply;
      if (reply.kind === "refused") {
        if (reply.code !== "budget_busy" || busy++ === client.retries) return reply;
      } else {
        if (++failures > FAILURES_MAX) throw new Error(`${this.#script.name} gets no answer`);
        // What went wrong once goes well the next time; after a cut in one piece.
        stream = call.fate !== "cut";
        call = again;
        idleMs = 0;
      }
      await delay(RETRY_MS);
    }
  }

  /** A title; nobody minds if it is refused. */
  async #aside(call: CallScript): Promise<void> {
    const { developer, name } = this.#script;
    const fields = {
      model: developer.model,
      messages: [{ role: "user", content: words(background.title.input) }],
      max_tokens: body.backgroundMaxTokens,
      output_config: { format: { type: "json_schema" } },
      stream: true,
    };
    await this.#ask({
      session: name,
      agent: null,
      body: Buffer.from(JSON.stringify(fields)),
      stream: true,
      isCompaction: false,
      call: { ...call, fate: "answered" },
      outputTokens: call.outputTokens,
      idleMs: 0,
      isFresh: false,
      isContinuation: false,
    });
  }
}

interface Step {
  readonly call: CallScript;
  readonly newTokens: number;
  readonly idleMs: number;
  readonly isFresh: boolean;
  readonly agent: string | null;
  readonly isCompaction?: boolean;
}

interface AskedStep extends Step {
  readonly outputTokens: number;
  readonly isContinuation: boolean;
}

type Settled = Exclude<Reply, { readonly kind: "failed" }>;

/** How long an answer takes to begin, compressed like all pauses. */
export function firstTokenMs(call: CallScript): number {
  return Math.min(PAUSE_MS_MAX, call.firstTokenMs / (answer.firstTokenMs[1] / PAUSE_MS_MAX));
}

function pause(scriptMs: number): Promise<void> {
  return delay(Math.min(PAUSE_MS_MAX, scriptMs / MS_PER_SECOND));
}
