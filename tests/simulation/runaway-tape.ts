/** Sessions as detectors of runaways see them: contexts, caches and calls on a clock of their own. */
import type { AnswerSeen, RequestSeen } from "../../src/policy/runaway/event.ts";
import type { SaidText, ToolCall } from "../../src/wire/anthropic/tail.ts";
import { PARAMETERS } from "./parameters.ts";
import type { Stream } from "./random.ts";

export type Fed =
  | { readonly kind: "request"; readonly timeMs: number; readonly seen: RequestSeen }
  | { readonly kind: "answer"; readonly timeMs: number; readonly seen: AnswerSeen };

export interface Call {
  /** Since the loop's last answer. */
  readonly gapMs?: number;
  readonly newTokens?: number;
  readonly outputTokens?: number;
  readonly calls?: readonly ToolCall[];
  readonly text?: SaidText | null;
  readonly prompt?: string;
  readonly task?: string;
  readonly model?: string;
  readonly toolsBytes?: number;
  readonly retries?: number;
  readonly outcome?: AnswerSeen["outcome"];
  readonly stop?: string;
  readonly visibleBytes?: number;
  readonly durationMs?: number;
  /** The message of the call before once more. */
  readonly again?: boolean;
  /** The cache has lost the context although it should not. */
  readonly lost?: boolean;
}

const SHOWN_BYTES_A_TOKEN = 2.2;
const { answer, body, cache } = PARAMETERS;

/** Everything that happens in one session. */
export class Tape {
  readonly events: Fed[] = [];
  readonly draw: Stream;
  #novel = 1;

  constructor(draw: Stream) {
    this.draw = draw;
  }

  /** A digest that no other has. */
  novel(): number {
    return this.#novel++;
  }

  /** A uniform number. */
  between(low: number, high: number): number {
    return low + this.draw() * (high - low);
  }

  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  tool(tool: string, of: Partial<ToolCall> = {}): ToolCall {
    return { tool, input: this.novel(), result: this.novel(), failed: false, ...of };
  }

  said(bytes = 60): SaidText {
    return { bytes, opening: this.novel() };
  }

  /** In the order in which a gateway would see it. */
  sorted(): readonly Fed[] {
    return this.events.toSorted((one, other) => one.timeMs - other.timeMs);
  }
}

/** One agent's loop, or the main one. */
export class Loop {
  nowMs: number;
  tokens: number;
  readonly #tape: Tape;
  readonly #who: { readonly agent: string | null; readonly parent: string | null };
  #model: string;
  #prompt: string;
  #toolsBytes = 30_000;
  #cachedTokens = 0;
  #cachedMs = -Infinity;
  #digest = 0;

  constructor(
    tape: Tape,
    of: {
      readonly startMs: number;
      readonly tokens: number;
      readonly prompt: string;
      readonly model?: string;
      readonly agent?: string;
      readonly parent?: string;
    },
  ) {
    this.#tape = tape;
    this.nowMs = of.startMs;
    this.tokens = of.tokens;
    this.#prompt = of.prompt;
    this.#model = of.model ?? "claude-opus-5-5";
    this.#who = { agent: of.agent ?? null, parent: of.parent ?? null };
  }

  get prompt(): string {
    return this.#prompt;
  }

  /** Asks once and gets its answer. */
  call(of: Call = {}): void {
    const tape = this.#tape;
    this.nowMs += of.gapMs ?? 100;
    this.#prompt = of.prompt ?? this.#prompt;
    this.tokens += of.newTokens ?? 250;
    if (of.model !== undefined && of.model !== this.#model) this.#cachedTokens = 0;
    if (of.toolsBytes !== undefined && of.toolsBytes !== this.#toolsBytes) this.#cachedTokens = 0;
    this.#model = of.model ?? this.#model;
    this.#toolsBytes = of.toolsBytes ?? this.#toolsBytes;
    if (of.again !== true) this.#digest = tape.novel();
    const request = this.#request(of);
    tape.events.push({ kind: "request", timeMs: this.nowMs, seen: request });
    this.#answer(of, request);
  }

  /** The context begins again with so many tokens, cold. */
  restart(tokens: number): void {
    this.tokens = tokens;
    this.#cachedTokens = 0;
  }

  #request(of: Call): RequestSeen {
    return {
      timeMs: this.nowMs,
      ...this.#who,
      prompt: this.#prompt,
      task: of.task ?? (this.#who.agent === null ? "main" : "subagent"),
      model: this.#model,
      retries: of.retries ?? 0,
      bytes: Math.round(this.tokens * body.bytesPerToken),
      toolsBytes: this.#toolsBytes,
      tail: { digest: this.#digest, calls: of.calls ?? [], text: of.text ?? null },
    };
  }

  #answer(of: Call, request: RequestSeen): void {
    const outcome = of.outcome ?? "ok";
    const outputTokens = outcome === "ok" ? (of.outputTokens ?? 250) : 0;
    const read = outcome === "ok" ? this.#read(of.lost === true) : 0;
    const tookMs = of.durationMs ?? 1_500 + (outputTokens / answer.tokensPerSecond) * 1_000;
    this.nowMs += outcome === "refused" ? 5 : tookMs;
    const seen: AnswerSeen = {
      timeMs: this.nowMs,
      request,
      outcome,
      contextTokens: outcome === "ok" ? this.tokens : null,
      cacheReadTokens: read,
      cacheWriteTokens: outcome === "ok" ? this.tokens - read : 0,
      writesForAnHour: false,
      outputTokens,
      visibleBytes: of.visibleBytes ?? Math.round(outputTokens * SHOWN_BYTES_A_TOKEN),
      stopReason: of.stop ?? "tool_use",
    };
    this.#tape.events.push({ kind: "answer", timeMs: this.nowMs, seen });
    if (outcome !== "ok") return;
    if (request.task === "compaction") return;
    this.#cachedTokens = this.tokens;
    this.#cachedMs = request.timeMs;
    this.tokens += outputTokens;
  }

  #read(isLost: boolean): number {
    const { ttlMs, deadAfterTtl, suddenDeath } = cache;
    const dies = this.nowMs - this.#cachedMs > ttlMs ? deadAfterTtl : suddenDeath;
    const prefix = Math.min(this.tokens, 11_500);
    if (isLost) return prefix;
    return this.#tape.draw() < dies ? 0 : Math.min(this.tokens, this.#cachedTokens);
  }
}
