/** The few splices that a body may get on its way, and the headers that tell the client of them. */
import { editMaxTokens, editMaxUses, type Edit } from "../wire/anthropic/splice.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { MAX_USES_DEFAULT } from "./demand.ts";
import type { Gateway } from "./ports.ts";
import { runawayHeaders } from "./runaway.ts";
import type { Admitted } from "./take.ts";
import type { Exchange } from "./exchange.ts";
import type { Target } from "./candidates.ts";
import { leversHeader } from "./levers.ts";

/** None for nearly every request: then its bytes go upstream as they came. */
export function bodyEdits(exchange: Exchange, admitted: Admitted, body: MessagesBody): Edit[] {
  // What is in shadow is not changed, and a count has no output to bound.
  if (admitted.asCame || exchange.endpoint === "count_tokens") return [];
  const edits: Edit[] = [];
  if (admitted.maxTokens !== body.maxTokens) edits.push(editMaxTokens(body, admitted.maxTokens));
  for (const [index, tool] of body.facts.serverTools.entries()) {
    const uses = Math.min(tool.maxUses ?? MAX_USES_DEFAULT, admitted.maxUsesCap ?? Infinity);
    const edit = tool.maxUses === uses ? null : editMaxUses(body, index, uses);
    if (edit !== null) edits.push(edit);
  }
  return edits;
}

/** Headers of our own on an answer. */
export function clientHeaders(
  of: {
    readonly exchange: Exchange;
    readonly admitted: Admitted;
    readonly target: Target;
    readonly body: MessagesBody;
  },
  dropped: readonly string[],
  gateway: Gateway,
): Record<string, string> {
  const { maxUsesCap, maxTokens } = of.admitted;
  const isOther = of.body.maxTokens !== null && maxTokens !== of.body.maxTokens;
  const servedBy = servedByOther(of.exchange, of.target);
  const headers = runawayHeaders(of.exchange, gateway);
  if (isOther && of.exchange.endpoint === "messages")
    headers["tollgate-clamped"] = String(maxTokens);
  if (maxUsesCap !== null) headers["tollgate-clamped-max-uses"] = String(maxUsesCap);
  if (servedBy !== null) headers["tollgate-served-by"] = servedBy;
  const levers = leversHeader(of.exchange.levers);
  if (levers !== null) headers["tollgate-levers"] = levers;
  if (dropped.length > 0) headers["tollgate-dropped"] = dropped.join(",");
  return headers;
}

/** "provider/model" where that is not what the client would have thought: its key's first provider. */
function servedByOther({ plan, subject }: Exchange, { use, model }: Target): string | null {
  const isFirst = plan?.providers[0]?.provider === use.provider;
  if (isFirst && model === subject?.requestedModel) return null;
  return `${use.provider.id}/${model}`;
}
