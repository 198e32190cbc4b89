/** A context that grows call by call, what the provider's cache has of it, and the bodies it makes. */
import type { BodyFacts } from "../../src/core/body-facts.ts";
import { NO_USAGE, type Usage } from "../../src/core/usage.ts";
import type { Appendix } from "../../src/ledger/memory.ts";
import { PARAMETERS } from "./parameters.ts";
import type { CallScript } from "./script.ts";

export interface ConversationStart {
  /** What its turns are known by. */
  readonly name: string;
  readonly model: string;
  readonly tokens: number;
  /** Of these, what colleagues or siblings may have in the cache. */
  readonly sharedTokens: number;
  readonly tools: number;
}

export class Conversation {
  readonly name: string;
  readonly model: string;
  readonly #sharedTokens: number;
  readonly #tools: number;
  /** Of the last call's input; of a fresh context before its first call. */
  #tokens: number;
  #lastOutput = 0;
  #cachedAtMs: number | null = null;
  /** What the memory's turn covers; null where it knows none of this context. */
  #learnt: { readonly prefixTokens: number; turnsSince: number } | null = null;

  constructor(start: ConversationStart) {
    this.name = start.name;
    this.model = start.model;
    this.#tokens = start.tokens;
    this.#sharedTokens = start.sharedTokens;
    this.#tools = start.tools;
  }

  /** What a call with nothing new would send. */
  get tokens(): number {
    return this.#tokens + this.#lastOutput;
  }

  /** Begins again with so many tokens that no cache has. */
  restart(tokens: number): void {
    this.#tokens = tokens;
    this.#lastOutput = 0;
    this.#cachedAtMs = null;
    this.#learnt = null;
  }

  facts(inputTokens: number): BodyFacts {
    return { ...plainFacts(inputTokens), tools: this.#tools, cacheMarkers: "5m" };
  }

  /** What a body with so many tokens holds behind the turn that is remembered. */
  appendix(inputTokens: number): Appendix | null {
    if (this.#learnt === null) return null;
    const { prefixTokens, turnsSince } = this.#learnt;
    const { bytesPerToken, blocksATurn } = PARAMETERS.body;
    return {
      asciiBytes: Math.ceil((inputTokens - prefixTokens) * bytesPerToken),
      nonAsciiBytes: 0,
      unicodeEscapes: 0,
      blocks: blocksATurn * (turnsSince + 1),
    };
  }

  /** How the provider bills the input of a call that reaches it now. */
  inputUsage(inputTokens: number, call: CallScript, nowMs: number): Usage {
    const shared = call.isPrefixShared ? this.#sharedTokens : 0;
    const read = Math.min(inputTokens, this.#isWarm(call, nowMs) ? this.#tokens : shared);
    return {
      ...NO_USAGE,
      cache_read_input_tokens: read,
      cache_write_5m_input_tokens: inputTokens - read,
    };
  }

  #isWarm({ cacheLuck }: CallScript, nowMs: number): boolean {
    if (this.#cachedAtMs === null) return false;
    const { ttlMs, deadAfterTtl, suddenDeath } = PARAMETERS.cache;
    return cacheLuck >= (nowMs - this.#cachedAtMs > ttlMs ? deadAfterTtl : suddenDeath);
  }

  /** A call has reached the provider: all its input is in the cache. */
  sent(inputTokens: number, nowMs: number): void {
    this.#tokens = inputTokens;
    this.#lastOutput = 0;
    this.#cachedAtMs = nowMs;
  }

  /** @param lastMessageTokens Of the message that carries the cache marker. */
  answered(outputTokens: number, lastMessageTokens: number, isLearnt: boolean): void {
    this.#lastOutput = outputTokens;
    if (isLearnt) this.#learnt = { prefixTokens: this.#tokens - lastMessageTokens, turnsSince: 0 };
    else if (this.#learnt !== null) this.#learnt.turnsSince++;
  }
}

/** A body of so many tokens with nothing special in it. */
export function plainFacts(inputTokens: number): BodyFacts {
  return {
    asciiBytes: Math.ceil(inputTokens * PARAMETERS.body.bytesPerToken),
    nonAsciiBytes: 0,
    unicodeEscapes: 0,
    tools: 0,
    serverTools: [],
    images: 0,
    opaqueInput: false,
    cacheMarkers: "none",
    compaction: false,
    fallbacks: [],
    fast: false,
    inferenceGeo: null,
    serviceTier: null,
    obscured: false,
  };
}
