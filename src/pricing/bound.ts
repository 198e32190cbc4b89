/** The most that the provider can charge for a request: what a hold takes from every budget. */
import { takesMaxUses, type BodyFacts, type ServerTool } from "../core/body-facts.ts";
import { nanoUsd, roundUp } from "../core/money.ts";
import type { NanoUsd, PicoUsdPerToken } from "../core/money.ts";
import { modifierOf } from "./modifier.ts";
import type { Modifier } from "./modifier.ts";
import type { PriceBook } from "./price-book.ts";
import type { HoldRates, ModelPrice } from "./price.ts";

export interface BoundRequest {
  readonly facts: BodyFacts;
  /** As it goes upstream: asked, clamped or spliced in. */
  readonly maxTokens: number;
  /** Spliced into server tools that state none; also assumed where there is nothing to splice. */
  readonly maxUsesDefault: number;
  /** The first pass reads no more than this, by a count or by what the turn before has shown. */
  readonly knownInputTokens?: number;
  /** Clamps `max_uses` where that can be spliced; left out: not clamped. */
  readonly maxUsesCap?: number;
}

/** What of a provider decides how many tokens a body can become; the catalogue's capabilities have it. */
export interface BoundFacts {
  readonly imageTokensMax: number;
  /** No input costs more tokens than the bytes of its UTF-8. */
  readonly tokensNeverExceedBytes: boolean;
  /** `max_tokens` bounds thinking and text together. */
  readonly maxTokensIncludesThinking: boolean;
}

export interface BoundContext {
  readonly book: PriceBook;
  /** Of the model as it goes upstream. */
  readonly price: ModelPrice;
  /** Unix milliseconds; fallbacks and advisors are priced by it. */
  readonly atMs: number;
  readonly regional?: boolean;
  /** The door's measured ceiling for one tool result; left out: the whole window. */
  readonly resultCeilingTokens?: number;
  /** Where the provider's workspace runs inference when a body does not say; left out: "global". */
  readonly workspaceGeo?: string;
  /** The provider's kind, for fallbacks and advisors; left out: Anthropic's. */
  readonly kind?: string;
  /** Left out: Anthropic's. */
  readonly can?: BoundFacts;
}

export interface Bound {
  /** For all that is not the model's own output: input of all passes, advisors, fallbacks, searches. */
  readonly inputNeed: NanoUsd;
  /** Of all passes of the request's own model together. */
  readonly outputTokens: number;
  /** For one of them, modifiers in, rounded up. */
  readonly outputPico: PicoUsdPerToken;
  /** `inputNeed` and the output together: the hold. */
  readonly need: NanoUsd;
  /** Of all passes of the request's own model together. */
  readonly inputTokens: number;
  /** How often the request's own model may be sampled. */
  readonly passes: number;
  /** What other models may read and write beside it: advisors and fallbacks. Left out: none. */
  readonly others?: OtherTokens;
}

export interface OtherTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const REQUEST_TOKENS = 2_048;
const TOOL_TOKENS = 64;
const PROVIDER_TOOL_TOKENS = 1_024;
/** A tokenizer that normalises can turn one character of 3 bytes into 33 tokens. */
const NON_ASCII_TOKENS = 11;
const ESCAPE_TOKENS = 33;
const ANTHROPIC: BoundFacts = {
  imageTokensMax: 5_000,
  tokensNeverExceedBytes: false,
  maxTokensIncludesThinking: true,
};
/** Keeps products of tokens and passes exact; no budget reaches what it bounds. */
const USES_MAX = 1_000_000_000;

/** What every model of the request has in common. */
interface Demand {
  readonly facts: BodyFacts;
  /** Of one pass, thinking included. */
  readonly maxTokens: number;
  readonly passes: number;
  readonly markers: "none" | "5m" | "1h";
  readonly fast: boolean;
  /** Bytes say nothing about the prompt. */
  readonly opaque: boolean;
  readonly knownInputTokens: number;
  readonly resultCeilingTokens: number;
  readonly can: BoundFacts;
}

/**
 * The bound of a request, in nano-dollars, rounded up; never below what `costOf` gives for any
 * usage that the body can cause. About a microsecond for a body without server tools.
 */
export function boundOf(request: BoundRequest, context: BoundContext): Bound {
  const { facts } = request;
  const { price } = context;
  const demand = demandOf(request, context);
  const modifier = modifierOf({
    us: isSurcharged(facts, context.workspaceGeo),
    regional: context.regional ?? false,
    batch: false,
  });
  const firstTokens = firstPassTokens(demand, price);
  const inputTokens = firstTokens + laterPassTokens(firstTokens, demand, price);
  const rates = holdRatesFor(demand, price, firstTokens);

  let inputPico = BigInt(inputTokens) * rates[demand.markers];
  let feesPico = price.requestPico === 0n ? 0n : BigInt(demand.passes) * price.requestPico;
  let others: OtherTokens | null = null;
  if (facts.serverTools.length > 0) {
    const advisors = advisorsCost(request, context, demand);
    inputPico += advisors.tokensPico;
    feesPico += advisors.feesPico + searchesPico(request, context);
    others = together(others, advisors);
  }
  if (facts.fallbacks === "default" || facts.fallbacks.length > 0) {
    const fallbacks = fallbacksCost(demand, context);
    inputPico += fallbacks.tokensPico;
    feesPico += fallbacks.feesPico;
    others = together(others, fallbacks);
  }

  const inputNeed = roundUp(scaledUp(inputPico, modifier) + feesPico);
  const outputPico = scaledUp(rates.output, modifier) as PicoUsdPerToken;
  const outputTokens = Math.min(demand.passes * demand.maxTokens, Number.MAX_SAFE_INTEGER);
  const outputNeed = roundUp(BigInt(outputTokens) * outputPico);
  const need = nanoUsd(inputNeed + outputNeed);
  const bound = { inputNeed, outputTokens, outputPico, need, inputTokens, passes: demand.passes };
  return others === null ? bound : { ...bound, others };
}

function together(left: OtherTokens | null, right: OtherTokens): OtherTokens | null {
  const inputTokens = (left?.inputTokens ?? 0) + right.inputTokens;
  const outputTokens = (left?.outputTokens ?? 0) + right.outputTokens;
  return inputTokens + outputTokens === 0 ? null : { inputTokens, outputTokens };
}

/** What one pass can write: beside a `max_tokens` that bounds the text alone, the model's most. */
function outputOf(maxTokens: number, can: BoundFacts, price: ModelPrice): number {
  return can.maxTokensIncludesThinking ? maxTokens : maxTokens + price.maxOutputTokens;
}

function demandOf(request: BoundRequest, context: BoundContext): Demand {
  const { facts } = request;
  const can = context.can ?? ANTHROPIC;
  const maxTokens = outputOf(request.maxTokens, can, context.price);
  const { obscured } = facts;
  let passes = facts.compaction || obscured ? 2 : 1;
  let opaque = facts.opaqueInput || obscured;
  for (const tool of facts.serverTools) {
    passes += usesOf(tool, request);
    // The connector puts its server's tool definitions into the prompt; the body has none of them.
    if (tool.type === "mcp") opaque = true;
  }
  return {
    facts,
    maxTokens,
    passes: Math.min(passes, USES_MAX),
    markers: obscured ? "1h" : facts.cacheMarkers,
    fast: facts.fast || obscured,
    opaque,
    knownInputTokens: request.knownInputTokens ?? Infinity,
    resultCeilingTokens: context.resultCeilingTokens ?? Infinity,
    can,
  };
}

/** How often a tool can run. */
function usesOf(tool: ServerTool, request: BoundRequest): number {
  const asked = Math.min(tool.maxUses ?? request.maxUsesDefault, USES_MAX);
  return takesMaxUses(tool.type) ? Math.min(asked, request.maxUsesCap ?? asked) : asked;
}

/** Absent is the workspace's default; a value that is not known to be free costs the surcharge. */
function isSurcharged(facts: BodyFacts, workspaceGeo: string | undefined): boolean {
  const geo = facts.inferenceGeo ?? workspaceGeo ?? "global";
  return facts.obscured || geo !== "global";
}

function firstPassTokens(demand: Demand, { contextWindowTokens }: ModelPrice): number {
  const { facts, opaque, knownInputTokens, can } = demand;
  if (opaque) return Math.min(knownInputTokens, contextWindowTokens);
  const providerTools = Math.max(facts.providerTools ?? 0, facts.serverTools.length);
  // An escape of six bytes says at most three bytes of UTF-8.
  const textTokens = can.tokensNeverExceedBytes
    ? facts.asciiBytes + facts.nonAsciiBytes
    : facts.asciiBytes +
      NON_ASCII_TOKENS * facts.nonAsciiBytes +
      ESCAPE_TOKENS * facts.unicodeEscapes;
  const tokens =
    textTokens +
    REQUEST_TOKENS +
    TOOL_TOKENS * facts.tools +
    PROVIDER_TOOL_TOKENS * providerTools +
    can.imageTokensMax * facts.images;
  return Math.min(tokens, knownInputTokens, contextWindowTokens);
}

/** Each pass reads what came before it, its answer and one tool result more; at most the window. */
function laterPassTokens(firstTokens: number, demand: Demand, price: ModelPrice): number {
  const later = demand.passes - 1;
  if (later === 0) return 0;
  const windowTokens = price.contextWindowTokens;
  const growth = demand.maxTokens + demand.resultCeilingTokens;
  const room = windowTokens - firstTokens;
  const growing = growth > 0 ? Math.min(later, Math.floor(room / growth)) : later;
  if (growing === 0) return later * windowTokens;
  return (
    growing * firstTokens +
    growth * ((growing * (growing + 1)) / 2) +
    (later - growing) * windowTokens
  );
}

function holdRatesFor(demand: Demand, price: ModelPrice, firstTokens: number): HoldRates {
  const tier = price.longContext;
  const long = tier !== null && (demand.passes > 1 || firstTokens > tier.aboveTokens);
  if (long) return price.holdRates[demand.fast ? "fastLong" : "long"];
  return price.holdRates[demand.fast ? "fast" : "standard"];
}

interface Extra extends OtherTokens {
  readonly tokensPico: bigint;
  readonly feesPico: bigint;
}

/** An advisor reads the session as it stands, with caching of its own, once for each use. */
function advisorsCost(request: BoundRequest, context: BoundContext, demand: Demand): Extra {
  const { book, atMs, kind } = context;
  let tokensPico = 0n;
  let feesPico = 0n;
  let [inputTokens, outputTokens] = [0, 0];
  for (const tool of request.facts.serverTools) {
    if (!tool.type.startsWith("advisor")) continue;
    const price = tool.model === null ? book.dearestOf(kind) : book.resolve(tool.model, atMs, kind);
    const rates = price.holdRates[demand.fast ? "fastLong" : "long"];
    const usePico =
      BigInt(price.contextWindowTokens) * rates["1h"] +
      BigInt(price.maxOutputTokens) * rates.output;
    const times = usesOf(tool, request);
    const uses = BigInt(times);
    tokensPico += uses * usePico;
    feesPico += uses * price.requestPico;
    inputTokens += times * price.contextWindowTokens;
    outputTokens += times * price.maxOutputTokens;
  }
  return { tokensPico, feesPico, inputTokens, outputTokens };
}

/** Tried in turn, each with all passes; it also reads what the declined models had written. */
function fallbacksCost(demand: Demand, context: BoundContext): Extra {
  let tokensPico = 0n;
  let feesPico = 0n;
  let [allInputTokens, allOutputTokens] = [0, 0];
  let writtenTokens = demand.maxTokens;
  for (const price of fallbackPrices(demand.facts, context)) {
    const bodyTokens = firstPassTokens(demand, price);
    // Twice: the next model's tokenizer may need more tokens for the same text.
    const firstTokens = Math.min(bodyTokens + 2 * writtenTokens, price.contextWindowTokens);
    // An entry may state a `max_tokens` of its own, up to what its model can write.
    const maxTokens = Math.max(demand.maxTokens, price.maxOutputTokens);
    const laterTokens = laterPassTokens(firstTokens, { ...demand, maxTokens }, price);
    const inputTokens = firstTokens + laterTokens;
    const rates = holdRatesFor(demand, price, firstTokens);
    const passes = BigInt(demand.passes);
    tokensPico +=
      BigInt(inputTokens) * rates[demand.markers] + passes * BigInt(maxTokens) * rates.output;
    feesPico += passes * price.requestPico;
    writtenTokens += maxTokens;
    allInputTokens += inputTokens;
    allOutputTokens += demand.passes * maxTokens;
  }
  return {
    tokensPico,
    feesPico,
    inputTokens: allInputTokens,
    outputTokens: allOutputTokens,
  };
}

function fallbackPrices(
  { fallbacks }: BodyFacts,
  { book, atMs, kind }: BoundContext,
): readonly ModelPrice[] {
  if (fallbacks === "default") return [book.dearestOf(kind)];
  return fallbacks.map((model) => book.resolve(model, atMs, kind));
}

/** Fees of web searches, by the dearest model that can make them; modifiers do not touch them. */
function searchesPico(request: BoundRequest, context: BoundContext): bigint {
  const { facts } = request;
  let uses = 0;
  for (const tool of facts.serverTools) {
    if (tool.type.startsWith("web_search")) uses += usesOf(tool, request);
  }
  const hops = facts.fallbacks === "default" ? 2 : 1 + facts.fallbacks.length;
  const { webSearchPico } = context.book.dearestOf(context.kind);
  return BigInt(uses) * BigInt(hops) * webSearchPico;
}

function scaledUp(pico: bigint, { numerator, denominator }: Modifier): bigint {
  if (denominator === 1n) return pico;
  return (pico * numerator + denominator - 1n) / denominator;
}
