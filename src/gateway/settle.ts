/** What an attempt cost: the provider's own figures, or a one-sided estimate where it gave none. */
import { nanoUsd, roundUp, type NanoUsd } from "../core/money.ts";
import { NO_USAGE, type BilledUsage, type Usage } from "../core/usage.ts";
import { limitedInputTokens } from "../ledger/amounts.ts";
import type { TokenNeed } from "../ledger/state.ts";
import { costOf } from "../pricing/cost.ts";
import type { PriceBook } from "../pricing/price-book.ts";
import { outcomeOf } from "../providers/outcome.ts";
import type { Admitted } from "./take.ts";
import type { Relayed } from "./relay.ts";

export interface Settlement {
  readonly cost: NanoUsd;
  readonly usage: Usage;
  /** True where the provider's own figures are missing, whole or in part. */
  readonly estimated: boolean;
  /** What went wrong, in one word; null where nothing did. */
  readonly fault: string | null;
  /** Of an attempt in shadow: what it would have cost under enforcement; left out: the same. */
  readonly shadow?: ShadowCost;
}

interface ShadowCost {
  readonly cost: NanoUsd;
  readonly outputTokens: number;
}

/** What a call costs that no provider bills. */
export const UNBILLED: Settlement = {
  cost: nanoUsd(0n),
  usage: NO_USAGE,
  estimated: false,
  fault: null,
};

/** The estimate of a count is documented as one: this much is added. */
const COUNT_MARGIN_TOKENS = 1024;
const COUNT_MARGIN_SHARE = 0.02;

/**
 * The settlement of a finished attempt.
 *
 * @param countInput asks the upstream for the exact input where no answer told it; null: it cannot say.
 */
export async function settlementOf(
  admitted: Admitted,
  relayed: Relayed,
  context: {
    readonly book: PriceBook;
    readonly countInput: () => Promise<number | null>;
  },
): Promise<Settlement> {
  const { reading } = relayed;
  const fault = faultOf(relayed);
  const outcome = outcomeOf(admitted.target.row, {
    status: relayed.status,
    errorEnvelope: relayed.complete && reading.error !== null,
    finalUsage: reading.final,
    refusedBeforeOutput: reading.refusedBeforeOutput,
    failure: relayed.failure,
  });
  const billed = reading.billed;
  if (outcome.kind === "free")
    return { cost: nanoUsd(0n), usage: billed?.usage ?? NO_USAGE, estimated: false, fault };
  if (outcome.kind === "billed" && billed !== null) {
    const { book } = context;
    const shadow = shadowOfBilled(billed, admitted, book);
    return { ...priced(billed, admitted, book), estimated: false, fault, ...shadow };
  }
  const { need, shadowNeed } = admitted.hold;
  let counted: Promise<number | null> | null = null;
  const { book } = context;
  const once = { book, countInput: () => (counted ??= context.countInput()) };
  const estimated = await estimate(admitted, relayed, { ...once, atMost: need });
  const settled = { ...estimated, estimated: true, fault };
  if (admitted.shadow === null || shadowNeed === null) return settled;
  const inShadow = { ...admitted, bound: admitted.shadow.bound };
  const { cost, usage } = await estimate(inShadow, relayed, { ...once, atMost: shadowNeed });
  return { ...settled, shadow: { cost, outputTokens: usage.output_tokens } };
}

/** The answer as enforcement would have cut it. */
function shadowOfBilled(
  billed: BilledUsage,
  admitted: Admitted,
  book: PriceBook,
): Pick<Settlement, "shadow"> {
  const clamped = admitted.shadow?.clamped ?? null;
  if (clamped === null) return {};
  const cut = cutBilled(billed, clamped);
  if (cut.usage.output_tokens === billed.usage.output_tokens) return {};
  const { cost, usage } = priced(cut, admitted, book);
  return { shadow: { cost, outputTokens: usage.output_tokens } };
}

/** What a provider bills where `max_tokens` ends each pass at so many tokens. */
export function cutBilled(billed: BilledUsage, maxTokens: number): BilledUsage {
  const passes = billed.passes.map((pass) => ({ ...pass, usage: cutUsage(pass.usage, maxTokens) }));
  const over = billed.passes.reduce(
    (sum, { usage }) => sum + Math.max(0, usage.output_tokens - maxTokens),
    0,
  );
  return { ...billed, passes, usage: cutUsage(billed.usage, billed.usage.output_tokens - over) };
}

function cutUsage(usage: Usage, maxTokens: number): Usage {
  return {
    ...usage,
    output_tokens: Math.min(usage.output_tokens, maxTokens),
    thinking_tokens: Math.min(usage.thinking_tokens, maxTokens),
  };
}

function faultOf(relayed: Relayed): string | null {
  if (relayed.failure !== null) return relayed.failure.kind;
  if (relayed.reading.error !== null) return relayed.reading.error.type;
  if (!relayed.complete) return "cancelled";
  return relayed.reading.final ? null : "no_usage";
}

function priced(
  billed: BilledUsage,
  admitted: Admitted,
  book: PriceBook,
): { readonly cost: NanoUsd; readonly usage: Usage } {
  const { price, hold, target } = admitted;
  const { row, regional } = target;
  const context = { book, price, atMs: hold.admittedMs, kind: row.kind, regional };
  return { cost: costOf(billed, context), usage: billed.usage };
}

/** Never below what was relayed, never above the hold, which is `atMost`. */
async function estimate(
  admitted: Admitted,
  relayed: Relayed,
  context: {
    readonly book: PriceBook;
    readonly countInput: () => Promise<number | null>;
    readonly atMost: bigint;
  },
): Promise<{ readonly cost: NanoUsd; readonly usage: Usage }> {
  const { bound, target } = admitted;
  const outputTokens = estimatedOutputTokens({
    seconds: relayed.seconds,
    tokensPerSecondMax: target.row.billing.outputTokensPerSecondMax,
    relayedTokens: Math.max(
      relayed.reading.contentBytes,
      relayed.reading.billed?.usage.output_tokens ?? 0,
    ),
    outputTokensMax: bound.outputTokens,
  });
  const outputCost = roundUp(BigInt(outputTokens) * bound.outputPico);
  const input = await estimatedInput(admitted, relayed, context);
  const cost = input.cost + outputCost;
  return {
    cost: nanoUsd(cost < context.atMost ? cost : context.atMost),
    usage: { ...input.usage, output_tokens: outputTokens },
  };
}

/** Tokens of output that an attempt may have cost whose end nobody saw. */
export function estimatedOutputTokens(of: {
  readonly seconds: number;
  readonly tokensPerSecondMax: number;
  /** A lower bound: what has been seen of it. */
  readonly relayedTokens: number;
  readonly outputTokensMax: number;
}): number {
  const generated = Math.ceil(of.tokensPerSecondMax * (of.seconds + 1));
  return Math.min(of.outputTokensMax, Math.max(generated, of.relayedTokens));
}

async function estimatedInput(
  admitted: Admitted,
  relayed: Relayed,
  context: { readonly book: PriceBook; readonly countInput: () => Promise<number | null> },
): Promise<{ readonly cost: bigint; readonly usage: Usage }> {
  const { bound } = admitted;
  const { billed } = relayed.reading;
  if (billed !== null && bound.passes === 1)
    return priced(withoutOutput(billed), admitted, context.book);
  const counted = bound.passes === 1 ? await context.countInput() : null;
  const tokens =
    counted === null ? bound.inputTokens : Math.min(bound.inputTokens, withCountMargin(counted));
  // The same share of the bound as of its tokens: one price class covers the whole input.
  const cost =
    bound.inputTokens === 0
      ? bound.inputNeed
      : (bound.inputNeed * BigInt(tokens) + BigInt(bound.inputTokens) - 1n) /
        BigInt(bound.inputTokens);
  return { cost, usage: { ...NO_USAGE, input_tokens: tokens } };
}

/** What an attempt can still cost once its exact input is known: that, and all of the output. */
export function needAfterStart(admitted: Admitted, billed: BilledUsage, book: PriceBook): bigint {
  const { bound } = admitted;
  const input = priced(withoutOutput(billed), admitted, book).cost;
  return input + roundUp(BigInt(bound.outputTokens) * bound.outputPico);
}

/** The same in tokens: exact input, as limits count it, and all of the output. Null: it holds none. */
export function tokensAfterStart(tokens: TokenNeed, billed: BilledUsage): TokenNeed | null {
  if (tokens.input + tokens.output === 0) return null;
  const input = Math.min(tokens.input, limitedInputTokens(billed.usage));
  return { input, output: tokens.output };
}

/** The most that a counted input can be charged as. */
export function withCountMargin(tokens: number): number {
  return tokens + Math.max(COUNT_MARGIN_TOKENS, Math.ceil(tokens * COUNT_MARGIN_SHARE));
}

function withoutOutput(billed: BilledUsage): BilledUsage {
  const strip = (usage: Usage): Usage => ({ ...usage, output_tokens: 0, thinking_tokens: 0 });
  return {
    ...billed,
    usage: strip(billed.usage),
    passes: billed.passes.map((pass) => ({ ...pass, usage: strip(pass.usage) })),
  };
}
