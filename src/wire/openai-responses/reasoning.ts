/** How much a model is asked to reason, and that it hands its reasoning over in a form to bring back. */
import type { CanonicalRequest } from "../canonical/request.ts";
import type { EgressContext } from "../egress.ts";
import type { Lost } from "./losses.ts";

/** Thinking budgets as efforts, the first whose bound is not reached; the bounds are Tollgate's own. */
const EFFORT_BY_BUDGET = [
  [4096, "low"],
  [16_384, "medium"],
] as const;

const TAKEN_EVERYWHERE = new Set(["low", "medium", "high"]);
const TAKEN_BY_SOME = new Set(["xhigh", "max"]);

interface Scope {
  readonly quirks: EgressContext["quirks"];
  readonly lost: Lost;
}

/**
 * The fields `reasoning` and `include`. A request that says nothing of thinking gets neither: a model
 * without reasoning refuses both. Disabled thinking is the least effort that every reasoning model takes.
 *
 * Source: openai-node of 2026-08-21, `Reasoning` and `ResponseIncludable`; read 2026-11-23.
 */
export function reasoningFields(
  { thinking, effort }: CanonicalRequest,
  { quirks, lost }: Scope,
): Readonly<Record<string, unknown>> {
  if (thinking === null && effort === null) return {};
  if (quirks.has("no-reasoning-effort")) {
    if (thinking !== null) lost.add("thinking");
    if (effort !== null) lost.add("output_config.effort");
    return {};
  }
  if (thinking?.mode === "enabled") lost.add("thinking.budget_tokens");
  if (thinking?.mode === "disabled") {
    lost.add("thinking");
    return { reasoning: { effort: "low" } };
  }
  const level = effort === null ? budgetEffort(thinking) : knownEffort(effort, { quirks, lost });
  return {
    reasoning: { ...(level === null ? {} : { effort: level }), summary: "auto" },
    include: ["reasoning.encrypted_content"],
  };
}

/** Null: the model's own default. */
function budgetEffort(thinking: CanonicalRequest["thinking"]): string | null {
  if (thinking?.mode !== "enabled") return null;
  const { budgetTokens } = thinking;
  return EFFORT_BY_BUDGET.find(([below]) => budgetTokens < below)?.[1] ?? "high";
}

function knownEffort(effort: string, { quirks, lost }: Scope): string {
  if (TAKEN_EVERYWHERE.has(effort)) return effort;
  if (TAKEN_BY_SOME.has(effort) && quirks.has("effort-above-high")) return effort;
  lost.add("output_config.effort");
  return "high";
}
