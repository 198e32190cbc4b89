/** Which targets of a rule a request may use, and in which order. */
import type { TargetConfig } from "../../config/routing-config.ts";
import type { ProviderCapabilities } from "../../providers/row.ts";
import type { RouteTarget } from "./decision.ts";
import type { ProviderFacts, RequestFacts } from "./facts.ts";
import type { Rule } from "./rule.ts";

/** What a provider's kind can do; null where the catalogue does not know it. */
export type CapabilitiesOf = (provider: string) => ProviderCapabilities | null;

/** What an answer weighs in a comparison of costs: its real length is not known yet. */
const ANSWER_TOKENS = 1000;

type Groups = readonly (readonly RouteTarget[])[];

/** The rule's targets that the key may use, in groups; without any where it leaves none. */
export function targetsOf(rule: Rule, facts: RequestFacts, capabilitiesOf: CapabilitiesOf): Groups {
  const mapped = rule.mapped(facts.model);
  if (rule.needsMapping && (mapped === null || mapped === facts.model)) return [];
  const groups: RouteTarget[][] = [];
  for (const group of rule.groups) groups.push(...expand(group, mapped, facts));
  if (rule.order === "given" && !rule.capableOnly && rule.ceiling === null) return groups;
  const kept = groups
    .map((group) => group.filter((target) => isKept(rule, target, { facts, capabilitiesOf })))
    .filter((group) => group.length > 0);
  if (rule.order === "given") return kept;
  const rank = rule.order === "price" ? costOf : latencyOf;
  return ranked(kept.flat(), (target) => rank(target, facts));
}

/** Targets after a refusal: those that the key may use. */
export function fallbackTargets(
  targets: readonly TargetConfig[],
  facts: RequestFacts,
): readonly RouteTarget[] {
  if (targets.length === 0) return NONE;
  const ordered = targets.toSorted((a, b) => a.priority - b.priority);
  return ordered.flatMap((target) => expand([target], null, facts).flat());
}

const NONE: readonly RouteTarget[] = [];

/**
 * A target that names no provider becomes one in each group: the key's first provider that allows its
 * model in the first, the second in the second.
 */
function expand(
  targets: readonly TargetConfig[],
  mapped: string | null,
  facts: RequestFacts,
): RouteTarget[][] {
  const groups: RouteTarget[][] = [];
  for (const target of targets) {
    const model = target.model ?? mapped;
    const asked = model ?? facts.model;
    const providers = target.provider === null ? facts.providers : [target.provider];
    let place = 0;
    for (const provider of providers) {
      if (!facts.allows(provider, asked)) continue;
      const group = (groups[place++] ??= []);
      group.push({ provider, model, weight: target.weight });
    }
  }
  return groups;
}

function isKept(
  rule: Rule,
  target: RouteTarget,
  of: { readonly facts: RequestFacts; readonly capabilitiesOf: CapabilitiesOf },
): boolean {
  const { facts, capabilitiesOf } = of;
  const provider = factsOf(target, facts);
  if (rule.ceiling !== null) {
    const { inputPrice, outputPrice } = rule.ceiling;
    if (inputPrice !== null && (provider.inputPrice ?? Infinity) > inputPrice) return false;
    if (outputPrice !== null && (provider.outputPrice ?? Infinity) > outputPrice) return false;
  }
  return !rule.capableOnly || serves(capabilitiesOf(target.provider), provider, facts);
}

function serves(
  can: ProviderCapabilities | null,
  { contextWindowTokens }: ProviderFacts,
  facts: RequestFacts,
): boolean {
  if (facts.input.tokensEstimate > (contextWindowTokens ?? Infinity)) return false;
  if (can === null) return true;
  return (
    (can.tools || facts.toolCount === 0) &&
    (can.thinking || !facts.thinking) &&
    (can.vision || facts.images === 0) &&
    (can.documents || !facts.documents)
  );
}

/** US dollars × 10⁶ of this request with a short answer; for comparison only. */
function costOf(target: RouteTarget, facts: RequestFacts): number {
  const { inputPrice, outputPrice } = factsOf(target, facts);
  if (inputPrice === null || outputPrice === null) return Infinity;
  const answer = Math.min(facts.maxTokens ?? ANSWER_TOKENS, ANSWER_TOKENS);
  return facts.input.tokensEstimate * inputPrice + answer * outputPrice;
}

/** Healthy ones first. */
function latencyOf(target: RouteTarget, facts: RequestFacts): number {
  const { healthy, latencyMs } = factsOf(target, facts);
  return healthy ? (latencyMs ?? 0) : Infinity;
}

function factsOf({ provider, model }: RouteTarget, facts: RequestFacts): ProviderFacts {
  return facts.provider(provider, model ?? facts.model);
}

/** Groups of equal rank, the lowest first; equal ones keep their order. */
function ranked(targets: readonly RouteTarget[], rank: (target: RouteTarget) => number): Groups {
  const groups = Map.groupBy(targets, rank);
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))).map(([, group]) => group);
}
