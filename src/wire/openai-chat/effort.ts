/** How much a model is asked to think: thinking and effort as `reasoning_effort` and `thinking`. */
import type { CanonicalRequest } from "../canonical/request.ts";
import type { Quirk } from "../egress.ts";
import type { Losing } from "./losses.ts";

/**
 * Thinking budgets as levels, the first whose bound is not reached. OpenAI names no token counts; the
 * bounds are Tollgate's own. An `effort` that is said comes first.
 *
 * | said | reasoning_effort |
 * |---|---|
 * | effort low, medium, high | the same |
 * | effort xhigh, max | the same with quirk `effort-above-high`, else high |
 * | thinking disabled | low: "none" is refused by many, low by nobody that reasons |
 * | budget below 4,096 · below 16,384 · above | low · medium · high |
 * | thinking adaptive, no effort | left out: the model's own default |
 * | tools with quirk `effort-none-with-tools` | none |
 */
const LEVEL_BY_BUDGET = [
  [4096, "low"],
  [16_384, "medium"],
  [Infinity, "high"],
] as const;

const EVERYWHERE = new Set(["low", "medium", "high"]);
const ABOVE_HIGH = new Set(["xhigh", "max"]);

/**
 * Fields of the body that say how much to think.
 *
 * Source: openai-node of 2026-08-21 (`ReasoningEffort`), api-docs.deepseek.com/guides/thinking_mode and
 * OpenAI's refusal "Function tools with reasoning_effort are not supported …"; read 2026-11-23.
 */
export function reasoningFields(
  request: CanonicalRequest,
  quirks: ReadonlySet<Quirk>,
  losing: Losing,
): Readonly<Record<string, unknown>> {
  const { thinking } = request;
  if (thinking?.mode === "enabled") losing.lose("thinking.budget_tokens");
  if (thinking === null || !quirks.has("thinking-switch"))
    return effortField(request, quirks, losing);
  if (isOff(request)) return { thinking: { type: "disabled" } };
  return { thinking: { type: "enabled" }, ...effortField(request, quirks, losing) };
}

function effortField(
  request: CanonicalRequest,
  quirks: ReadonlySet<Quirk>,
  losing: Losing,
): Readonly<Record<string, unknown>> {
  const isNone = quirks.has("effort-none-with-tools") && request.tools.length > 0;
  if (!isNone && !quirks.has("no-reasoning-effort")) {
    const level = levelOf(request, quirks, losing);
    return level === null ? {} : { reasoning_effort: level };
  }
  const isSwitched = quirks.has("thinking-switch") || (isNone && isOff(request));
  if (request.thinking !== null && !isSwitched) losing.lose("thinking");
  if (request.effort !== null) losing.lose("output_config.effort");
  return isNone ? { reasoning_effort: "none" } : {};
}

function levelOf(
  request: CanonicalRequest,
  quirks: ReadonlySet<Quirk>,
  losing: Losing,
): string | null {
  const { thinking, effort } = request;
  if (isOff(request)) {
    losing.lose("thinking");
    return "low";
  }
  if (effort !== null) {
    if (EVERYWHERE.has(effort)) return effort;
    if (ABOVE_HIGH.has(effort) && quirks.has("effort-above-high")) return effort;
    losing.lose("output_config.effort");
    return "high";
  }
  if (thinking?.mode !== "enabled") return null;
  const { budgetTokens } = thinking;
  return LEVEL_BY_BUDGET.find(([below]) => budgetTokens < below)?.[1] ?? "high";
}

function isOff(request: CanonicalRequest): boolean {
  return request.thinking?.mode === "disabled";
}
