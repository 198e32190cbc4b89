/** Claude Code and the person before it: follows a script as far as the gateway lets it. */
import { NO_USAGE, type Usage } from "../../src/core/usage.ts";
import { Conversation, plainFacts } from "./conversation.ts";
import { sleep, type EventLoop, type Process } from "./events.ts";
import type { Arrival, Gate, Grant, RefusalCode } from "./gate.ts";
import { PARAMETERS } from "./parameters.ts";
import type { AgentScript, CallScript, PromptScript, SessionScript } from "./script.ts";

export interface ClientParts {
  readonly loop: EventLoop;
  readonly gate: Gate;
  /** No call starts from then on. */
  readonly endMs: number;
  /** Whether a person whose context no longer fits clears it and goes on, or gives the session up. */
  readonly afterExcess: "clear" | "give up";
}

/** How a question to the model ended. */
type Answer = "answered" | RefusalCode;

/** A call as it is about to be made. */
interface Question {
  readonly conversation: Conversation;
  readonly call: CallScript;
  /** What is new in it besides the answer before. */
  readonly freshTokens: number;
  readonly outputTokens: number;
  readonly isCompaction: boolean;
}

/** An answer on its way. */
interface Streaming {
  readonly outputTokens: number;
  readonly firstTokenMs: number;
  /** Its start is told before its end. */
  readonly isStreamed: boolean;
}

const { client, body, answer, background, compaction } = PARAMETERS;
/** After an upstream's error the client tries again so soon. */
const ERROR_RETRY_MS = 1_000;

/** One session from its first prompt to its last, or to where it is refused for good. */
export class Session {
  readonly #script: SessionScript;
  readonly #parts: ClientParts;
  readonly #main: Conversation;
  /** Hand-offs of agents that have ended, for the next call. */
  #handedOffTokens = 0;
  #isOver = false;

  constructor(script: SessionScript, parts: ClientParts) {
    this.#script = script;
    this.#parts = parts;
    const { developer } = script;
    this.#main = new Conversation({
      name: script.name,
      model: developer.model,
      tokens: script.resumedTokens ?? developer.startTokens,
      sharedTokens: PARAMETERS.start.tools + PARAMETERS.start.system,
      tools: body.mainTools,
    });
  }

  *run(): Process {
    const { loop } = this.#parts;
    const { prompts, title, summary } = this.#script;
    loop.start(this.#aside(title, background.title.input));
    for (const [index, prompt] of prompts.entries()) {
      if (index > 0) yield* sleep(loop, prompt.gapMs);
      if (this.#hasEnded()) return;
      yield* this.#prompt(prompt);
      if (index === 0 && summary !== null)
        loop.start(this.#aside(summary, background.summary.input));
      if (prompt.compactsByHand && this.#main.tokens > compaction.byHandAbove)
        yield* this.#compact(prompt);
    }
  }

  #hasEnded(): boolean {
    return this.#isOver || this.#parts.loop.nowMs >= this.#parts.endMs;
  }

  *#prompt(prompt: PromptScript): Process {
    const { loop } = this.#parts;
    for (const [index, call] of prompt.calls.entries()) {
      if (index > 0) yield* sleep(loop, call.toolTimeMs);
      if (this.#hasEnded()) return;
      const end = yield* this.#step(prompt, index, call);
      if (end === "budget_busy") return;
      if (end !== "answered") this.#isOver = true;
      if (this.#isOver) return;
      if (index === 0) for (const agent of prompt.agents) loop.start(this.#agent(agent, "main"));
      if (this.#main.tokens > this.#script.developer.windowTokens) yield* this.#compact(prompt);
    }
  }

  *#step(prompt: PromptScript, index: number, call: CallScript): Process<Answer> {
    const isLast = index === prompt.calls.length - 1;
    const outputTokens = isLast ? stoppedAfter(call, prompt.cancelledAfter) : call.outputTokens;
    const conversation = this.#main;
    const ask = (freshTokens: number) =>
      this.#ask({ conversation, call, freshTokens, outputTokens, isCompaction: false });
    const end = yield* ask((index === 0 ? prompt.tokens : call.newTokens) + this.#takeHandOffs());
    const { startTokens } = this.#script.developer;
    const isClearing = this.#parts.afterExcess === "clear" && conversation.tokens > startTokens;
    if (end !== "request_exceeds_budget" || !isClearing) return end;
    // As the refusal's sentence says; the person asks again in the empty context.
    conversation.restart(startTokens);
    return yield* ask(prompt.tokens);
  }

  #takeHandOffs(): number {
    const tokens = this.#handedOffTokens;
    this.#handedOffTokens = 0;
    return tokens;
  }

  *#compact(prompt: PromptScript): Process {
    const call = prompt.compaction;
    const end = yield* this.#ask({
      conversation: this.#main,
      call,
      freshTokens: compaction.instructionTokens,
      outputTokens: call.outputTokens,
      isCompaction: true,
    });
    const { startTokens } = this.#script.developer;
    if (end === "answered") this.#main.restart(startTokens + compaction.afterwards);
    else if (end === "request_exceeds_budget") this.#main.restart(startTokens);
    else if (end === "budget_exhausted") this.#isOver = true;
  }

  *#agent(script: AgentScript, parent: "main" | "agent"): Process {
    const conversation = new Conversation({
      name: script.name,
      model: script.model,
      tokens: script.startTokens,
      sharedTokens: PARAMETERS.agents.sharedTokens,
      tools: body.agentTools,
    });
    for (const [index, call] of script.calls.entries()) {
      if (index > 0) yield* sleep(this.#parts.loop, call.toolTimeMs);
      if (this.#hasEnded()) break;
      const freshTokens = index === 0 ? 0 : call.newTokens;
      const { outputTokens } = call;
      const question = { conversation, call, freshTokens, outputTokens, isCompaction: false };
      const end = yield* this.#ask(question);
      if (end !== "answered") break;
      if (index === 0 && script.nested !== null)
        this.#parts.loop.start(this.#agent(script.nested, "agent"));
    }
    if (parent === "main") this.#handedOffTokens += PARAMETERS.agents.handOffTokens;
  }

  /** Asks, and goes on with an answer that was cut at its `max_tokens`. */
  *#ask(question: Question): Process<Answer> {
    let { freshTokens, outputTokens } = question;
    for (let continuation = 0; continuation <= client.continuations; continuation++) {
      const given = yield* this.#call({ ...question, freshTokens, outputTokens });
      if (typeof given === "string") return given;
      outputTokens -= given;
      if (outputTokens <= 0) break;
      freshTokens = client.resumeTokens;
    }
    return "answered";
  }

  /** One call until it is answered or refused for good; gives the tokens of the answer. */
  *#call(question: Question): Process<number | RefusalCode> {
    const { conversation, call, freshTokens } = question;
    const { loop, gate } = this.#parts;
    const { firstTokenMs } = call;
    const inputTokens = conversation.tokens + freshTokens;
    let fate = call.fate;
    let isStreamed = true;
    for (;;) {
      const grant = yield* this.#admit(this.#arrival(question, inputTokens));
      if (typeof grant === "string") return grant;
      if (fate === "non200") {
        fate = "answered";
        yield* sleep(loop, firstTokenMs);
        gate.cancel(grant);
        yield* sleep(loop, ERROR_RETRY_MS);
        continue;
      }
      const usage = conversation.inputUsage(inputTokens, call, loop.nowMs);
      conversation.sent(inputTokens, loop.nowMs);
      const given = Math.min(question.outputTokens, grant.maxTokens);
      if (fate === "cut") {
        fate = "answered";
        const outputTokens = Math.ceil(given / 2);
        yield* this.#receive(grant, usage, { firstTokenMs, outputTokens, isStreamed });
        // The client asks at once for the whole answer in one piece.
        isStreamed = false;
        continue;
      }
      const settled = yield* this.#receive(grant, usage, {
        firstTokenMs,
        outputTokens: given,
        isStreamed,
      });
      const isLearnt = gate.learn(grant, settled, given < question.outputTokens ? "cut" : "whole");
      conversation.answered(given, freshTokens, isLearnt);
      return given;
    }
  }

  #arrival(question: Question, inputTokens: number): Arrival {
    const { conversation, outputTokens, isCompaction } = question;
    return {
      virtualKey: this.#script.developer.name,
      session: this.#script.name,
      turnName: conversation.name,
      appendix: conversation.appendix(inputTokens),
      model: conversation.model,
      facts: conversation.facts(inputTokens),
      asked: body.maxTokens,
      isCompaction,
      truth: { inputTokens, outputTokens },
    };
  }

  /** Asks for admission, again and again where the answer is to come back in a moment. */
  *#admit(arrival: Arrival): Process<Grant | RefusalCode> {
    for (let retry = 0; ; retry++) {
      const outcome = yield* this.#parts.gate.admit(arrival);
      if (!("refused" in outcome)) return outcome;
      if (outcome.refused !== "budget_busy" || retry === client.retries) return outcome.refused;
      yield* sleep(this.#parts.loop, client.retryAfterMs);
    }
  }

  /** The answer's way back, until it is settled. */
  *#receive(grant: Grant, input: Usage, of: Streaming): Process<Usage> {
    const { loop, gate } = this.#parts;
    const { outputTokens } = of;
    yield* sleep(loop, of.firstTokenMs);
    if (of.isStreamed) gate.started(grant, input);
    yield* sleep(loop, (outputTokens * 1_000) / answer.tokensPerSecond);
    const usage = { ...input, output_tokens: outputTokens };
    gate.settle(grant, usage);
    return usage;
  }

  /** A call outside the conversation: a title, a summary. Nobody minds if it is refused. */
  *#aside(call: CallScript, inputTokens: number): Process {
    const { developer, name } = this.#script;
    const grant = yield* this.#admit({
      virtualKey: developer.name,
      session: name,
      turnName: `${name}/aside`,
      appendix: null,
      model: developer.model,
      facts: plainFacts(inputTokens),
      asked: body.backgroundMaxTokens,
      isCompaction: false,
      truth: { inputTokens, outputTokens: call.outputTokens },
    });
    if (typeof grant === "string") return;
    const given = Math.min(call.outputTokens, grant.maxTokens);
    const usage = { ...NO_USAGE, input_tokens: inputTokens };
    yield* this.#receive(grant, usage, {
      outputTokens: given,
      firstTokenMs: call.firstTokenMs,
      isStreamed: true,
    });
  }
}

function stoppedAfter(call: CallScript, cancelledAfter: number | null): number {
  if (cancelledAfter === null) return call.outputTokens;
  return Math.max(1, Math.round(call.outputTokens * cancelledAfter));
}
