/** Learns from exact answers near a cap what the next turn of the same session can have for input. */
import type { BodyFacts } from "../core/body-facts.ts";
import { inputTokensOf, type BilledUsage } from "../core/usage.ts";
import type { Books } from "../ledger/decide.ts";
import { inputTokensAfter, type TurnMemory } from "../ledger/memory.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import {
  appendedSince,
  beginsWith,
  shapeOf,
  stablePrefix,
  type StablePrefix,
  type WholeBody,
} from "../wire/anthropic/prefix.ts";
import type { Exchange } from "./exchange.ts";

/** One request as the memory sees it. Made only near a cap: it costs a copy and a hash of the body. */
export interface TurnView {
  readonly name: string;
  readonly whole: WholeBody;
  readonly shape: string | null;
}

export function turnView(
  exchange: Exchange,
  body: MessagesBody,
  chunks: readonly Buffer[],
  books: Books = "real",
): TurnView | null {
  const { subject, plan } = exchange;
  if (subject === null || plan === null || subject.session === null) return null;
  const whole = { bytes: Buffer.concat(chunks), body };
  const betas = exchange.request.headers["anthropic-beta"];
  const agent = [plan.virtualKey, subject.session, subject.agent];
  // The shadow remembers the answers that enforcement would have let through, at their length.
  const name = JSON.stringify(books === "real" ? agent : [...agent, books]);
  return { name, whole, shape: shapeOf(whole, String(betas ?? "")) };
}

/** What the turn before tells of this one. */
export interface Recalled {
  /** No more than this; null: nothing is known. */
  readonly inputTokens: number | null;
  /** So many of them were in that turn's prompt. */
  readonly cachedTokens: number;
  /** The answer before was cut at this lowered `max_tokens`; null: it was not. */
  readonly cutAt: number | null;
}

export function recallTurn(memory: TurnMemory, view: TurnView): Recalled {
  const turn = memory.recall(view.name);
  if (turn === null) return NOTHING_RECALLED;
  const { facts } = view.whole.body;
  const isSame =
    view.shape !== null &&
    turn.shape === view.shape &&
    isSelfContained(facts) &&
    facts.images === turn.images &&
    beginsWith(view.whole, turn.prefix);
  const { cutAt } = turn;
  if (!isSame) return { ...NOTHING_RECALLED, cutAt };
  const appendix = appendedSince(view.whole, turn.prefix.bytes);
  if (appendix.expands) return { ...NOTHING_RECALLED, cutAt };
  return { inputTokens: inputTokensAfter(turn, appendix), cachedTokens: turn.inputTokens, cutAt };
}

const NOTHING_RECALLED: Recalled = { inputTokens: null, cachedTokens: 0, cutAt: null };

/** Nothing is added to the prompt elsewhere, and no other model's tokenizer reads it. */
function isSelfContained(facts: BodyFacts): boolean {
  const { opaqueInput, obscured, serverTools, fallbacks } = facts;
  return !opaqueInput && !obscured && serverTools.length === 0 && fallbacks.length === 0;
}

/** What is kept of a request while its answer runs, which may take minutes: not its body. */
export interface TurnTrace {
  readonly name: string;
  readonly shape: string | null;
  readonly prefix: StablePrefix | null;
  readonly images: number;
}

export function traceOf({ name, shape, whole }: TurnView): TurnTrace {
  return { name, shape, prefix: stablePrefix(whole), images: whole.body.facts.images };
}

/** Remembers an answer with exact figures. */
export function rememberTurn(
  memory: TurnMemory,
  trace: TurnTrace,
  answer: { readonly billed: BilledUsage; readonly cutAt: number | null },
): void {
  const { name, shape, prefix, images } = trace;
  const [pass, ...more] = answer.billed.passes;
  if (shape === null || prefix === null || pass === undefined || more.length > 0) {
    memory.forget(name);
    return;
  }
  const { usage } = pass;
  memory.remember(name, {
    prefix,
    shape,
    inputTokens: inputTokensOf(usage),
    outputTokens: usage.output_tokens,
    images,
    cutAt: answer.cutAt,
  });
}
