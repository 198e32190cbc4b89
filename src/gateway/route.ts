/** Chooses the provider, and which of its credentials, for a request. */
import { isRefusal, refusal, type Refusal } from "../core/refusal.ts";
import type { ProviderKeyConfig } from "../config/config.ts";
import type { Plan, PlanProvider, Policy } from "../policy/plan.ts";
import type { PriceBook } from "../pricing/price-book.ts";
import { rowOf } from "../providers/catalogue.ts";
import type { ProviderRow } from "../providers/row.ts";

export interface Target {
  readonly use: PlanProvider;
  readonly row: ProviderRow;
  /** Null where the provider needs no credential. */
  readonly credential: ProviderKeyConfig | null;
}

export interface Routed {
  readonly target: Target;
  /** Observe mode only: what enforcement would have answered. */
  readonly waived: Refusal | null;
}

/**
 * The first provider of the key's list that allows the model. In observe mode a model that none allows
 * goes to the first usable one, and says so.
 */
export function route(
  plan: Plan,
  model: string,
  ruling: { readonly policy: Policy; readonly prices: PriceBook },
): Routed | Refusal {
  const { policy, prices } = ruling;
  const denied = denial(plan, model, policy, prices);
  if (denied !== null && policy.mode === "enforce") return denied;
  const allowed = plan.providers.filter((use) => use.allows(model));
  const target = firstUsable(plan, allowed.length > 0 ? allowed : plan.providers);
  return isRefusal(target) ? target : { target, waived: denied };
}

/** The key's first usable provider, for calls that name no model. */
export function usableTarget(plan: Plan): Target | Refusal {
  return firstUsable(plan, plan.providers);
}

function firstUsable(plan: Plan, uses: readonly PlanProvider[]): Target | Refusal {
  for (const use of uses) {
    const target = usable(use);
    if (target !== null) return target;
  }
  return refusal(
    "no_provider_available",
    `No usable provider is configured for key ${plan.virtualKey}; your platform team has to add one.`,
    { "retry-after": "5" },
  );
}

function denial(plan: Plan, model: string, policy: Policy, prices: PriceBook): Refusal | null {
  if (!plan.providers.some((use) => use.allows(model)))
    return refusal(
      "model_not_allowed",
      `Model ${model} is not allowed for key ${plan.virtualKey}; choose another with /model, ` +
        "or ask your platform team to allow it.",
    );
  if (policy.unknownModels === "refuse" && !prices.known(model))
    return refusal(
      "model_not_allowed",
      `Model ${model} has no known price, and models without one are refused here; ` +
        "choose another with /model, or ask your platform team to add its price.",
    );
  return null;
}

function usable(use: PlanProvider): Target | null {
  const row = rowOf(use.provider.kind);
  if (row === null) return null;
  if (row.auth.kind === "none") return { use, row, credential: null };
  const credential = byWeight(use.provider.keys);
  return credential === null ? null : { use, row, credential };
}

/** A key drawn at random by weight. */
function byWeight(keys: readonly ProviderKeyConfig[]): ProviderKeyConfig | null {
  if (keys.length <= 1) return keys[0] ?? null;
  const total = keys.reduce((sum, key) => sum + key.weight, 0);
  let rest = Math.random() * total;
  for (const key of keys) {
    rest -= key.weight;
    if (rest < 0) return key;
  }
  return keys.at(-1) ?? null;
}
