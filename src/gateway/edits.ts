/** The few splices that a body may get on its way, and the headers that tell the client of them. */
import { editMaxTokens, editMaxUses, type Edit } from "../wire/anthropic/splice.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { MAX_USES_DEFAULT } from "./demand.ts";
import type { Admitted } from "./take.ts";
import type { Exchange } from "./exchange.ts";

/** None for nearly every request: then its bytes go upstream as they came. */
export function bodyEdits(exchange: Exchange, admitted: Admitted, body: MessagesBody): Edit[] {
  // Observe mode changes nothing, and a count has no output to bound.
  if (exchange.ruling.policy.mode === "observe" || exchange.endpoint === "count_tokens") return [];
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
export function clientHeaders(admitted: Admitted): Record<string, string> {
  const { clamped, maxUsesCap } = admitted;
  return {
    ...(clamped === null ? {} : { "tollgate-clamped": String(clamped) }),
    ...(maxUsesCap === null ? {} : { "tollgate-clamped-max-uses": String(maxUsesCap) }),
  };
}
