/** Chooses where a request may go, and in which order: rules, the session's seat, the key's providers. */
import { refusal, type Refusal } from "../core/refusal.ts";
import type { Plan } from "../policy/plan.ts";
import { rowOf } from "../providers/catalogue.ts";
import { doorOf } from "../providers/doors.ts";
import { orderOf, type Decision, type RouteTarget } from "../routing/rules/decision.ts";
import type { Quirk } from "../wire/egress.ts";
import { paperRefusal, type PaperTarget, targetRefusal } from "./access.ts";
import { addressOf } from "./address.ts";
import { candidateOf, isKeyless, plainTarget, type Candidate, type Target } from "./candidates.ts";
import { waives } from "./observed.ts";
import type { Gateway, Ruling } from "./ports.ts";
import { routeFacts, servedBy, type Routing } from "./route-facts.ts";

export interface Routed {
  /** In order of preference; never empty. */
  readonly candidates: readonly Candidate[];
  /** Observe mode only: what enforcement would have answered. */
  readonly waived: Refusal | null;
  /** Id of the rule that took the request; null: none did. */
  readonly rule: string | null;
  /** What happens to what a door cannot carry. */
  readonly onUnsupported: "refuse" | "drop";
  /** Targets for a refusal of just this class. */
  readonly fallbacks: {
    readonly context_length: readonly Candidate[];
    readonly content_policy: readonly Candidate[];
  };
}

/**
 * The candidates that rules leave, else the key's providers that allow and serve the model. Where the key
 * is in shadow, a model that none allows goes to the usable ones all the same, and says so.
 */
export function route(of: Routing, gateway: Gateway): Routed | Refusal {
  const { policy, routing } = of.exchange.ruling;
  const decision = routing.hasRules ? routing.decide(routeFacts(of, gateway)) : null;
  const chosen =
    decision === null || decision.rule === null
      ? []
      : withKnownPrice(chosenBy(decision, of, gateway), of);
  if (decision !== null && chosen.length > 0)
    return {
      candidates: chosen,
      waived: paperRefusal(of.plan, () => paperTargets(decision, of)),
      rule: decision.rule,
      onUnsupported: decision.onUnsupported,
      fallbacks: fallbacksOf(decision, of),
    };
  const { plan, model } = of;
  const denials = targetDenials({ plan, model, ruling: of.exchange.ruling });
  const standing = denials.find((denial) => !waives(policy, plan, denial));
  if (standing !== undefined) return standing;
  const allowed = plan.providers.filter((use) => use.allows(model));
  const uses = allowed.length > 0 ? allowed : plan.providers;
  const serving = uses.flatMap((use) => candidateOf(use, model) ?? []);
  const candidates = withKnownPrice(serving, of);
  if (candidates.length === 0) return noneUsable(plan, model);
  const { onUnsupported } = routing;
  const waived = denials[0] ?? paperRefusal(plan, () => ownTargets(of));
  return { candidates, waived, rule: null, onUnsupported, fallbacks: NO_FALLBACKS };
}

/** Where models without a price are refused, no way leads to one. */
function withKnownPrice(candidates: readonly Candidate[], { exchange }: Routing) {
  const { policy, prices } = exchange.ruling;
  if (policy.unknownModels !== "refuse" || policy.mode !== "enforce") return candidates;
  return candidates.filter(({ model, row }) => prices.known(model, row.kind));
}

const NO_FALLBACKS: Routed["fallbacks"] = { context_length: [], content_policy: [] };

function chosenBy(
  { groups }: Decision,
  { plan, model }: Routing,
  gateway: Gateway,
): readonly Candidate[] {
  return candidatesOf(orderOf(groups, gateway.random), plan, model);
}

function candidatesOf(
  targets: readonly RouteTarget[],
  plan: Plan,
  asked: string,
): readonly Candidate[] {
  return targets.flatMap(({ provider, model }) => servedBy(plan, provider, model ?? asked) ?? []);
}

function fallbacksOf({ fallbacks }: Decision, { plan, model }: Routing): Routed["fallbacks"] {
  const { contextLength, contentPolicy } = fallbacks;
  if (contextLength.length + contentPolicy.length === 0) return NO_FALLBACKS;
  return {
    context_length: candidatesOf(contextLength, plan, model),
    content_policy: candidatesOf(contentPolicy, plan, model),
  };
}

/** The key's first usable provider, for calls that name no model. */
export function usableTarget(plan: Plan): Target | Refusal {
  for (const use of plan.providers) {
    const row = rowOf(use.provider.kind);
    const door = row?.doors[0];
    if (row === null || door === undefined) continue;
    const { keys } = use.provider;
    if (keys.length === 0 && !isKeyless(row)) continue;
    const address = addressOf(row, door, { provider: use.provider, model: "" });
    if (address === null) continue;
    const codec = doorOf(door.format);
    const nothing = { regional: false, model: "", quirks: NO_QUIRKS };
    return plainTarget({ use, row, door, codec, address, keys, ...nothing });
  }
  return noneUsable(plan, null);
}

const NO_QUIRKS: ReadonlySet<Quirk> = new Set();

/** 503 where none of the key's providers can be asked. */
export function noneUsable(plan: Plan, model: string | null): Refusal {
  const what = model === null ? "No usable provider" : `No provider that serves model ${model}`;
  return refusal(
    "no_provider_available",
    `${what} is configured for key ${plan.virtualKey}; your platform team has to add one.`,
    { "retry-after": "5" },
  );
}

/** Where a rule sends it, and where it would go without that. */
function paperTargets({ groups }: Decision, of: Routing): readonly PaperTarget[] {
  const ruled = groups
    .flat()
    .map(({ provider, model }) => ({ provider, model: model ?? of.model }));
  return [...ruled, ...ownTargets(of)];
}

function ownTargets({ plan, model }: Routing): readonly PaperTarget[] {
  return plan.providers.flatMap(({ provider }) =>
    servedBy(plan, provider.id, model) === null ? [] : [{ provider: provider.id, model }],
  );
}

interface Denied extends Pick<Routing, "plan" | "model"> {
  readonly ruling: Ruling;
}

/** Why a model may go to none of the key's providers; null where it may. */
export function targetDenial(of: Denied): Refusal | null {
  return targetDenials(of)[0] ?? null;
}

function targetDenials(of: Denied): readonly Refusal[] {
  const ofScope = targetRefusal(of.plan, of.model) ?? keyDenial(of);
  const ofPrice = priceDenial(of);
  return [ofScope, ofPrice].filter((denial) => denial !== null);
}

function keyDenial({ plan, model }: Denied): Refusal | null {
  if (plan.providers.some((use) => use.allows(model))) return null;
  const refused = refusal(
    "model_not_allowed",
    `Model ${model} is not allowed for key ${plan.virtualKey}; choose another with /model, ` +
      "or ask your platform team to allow it.",
  );
  return { ...refused, by: `virtual_key/${plan.virtualKey}` };
}

function priceDenial({ ruling, plan, model }: Denied): Refusal | null {
  const { policy, prices } = ruling;
  if (policy.unknownModels === "refuse" && !isPriced(plan, model, prices))
    return refusal(
      "model_not_allowed",
      `Model ${model} has no known price, and models without one are refused here; ` +
        "choose another with /model, or ask your platform team to add its price.",
    );
  return null;
}

function isPriced(plan: Plan, model: string, prices: Ruling["prices"]) {
  return plan.providers.some((use) => {
    const candidate = candidateOf(use, model);
    return candidate !== null && prices.known(candidate.model, candidate.row.kind);
  });
}
