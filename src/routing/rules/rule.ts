/** A rule in the one form that the hot path follows; ready-made policies are compiled to it too. */
import type { ModelMapping } from "../../config/config.ts";
import {
  type PolicyConfig,
  POLICY_DEFAULTS,
  type RoutingRuleConfig,
  type TargetConfig,
} from "../../config/routing-config.ts";
import { modelMatcher } from "../../policy/models.ts";

/** Most US dollars for a million tokens; null: any price. */
export interface Ceiling {
  readonly inputPrice: number | null;
  readonly outputPrice: number | null;
}

export interface Rule {
  readonly id: string;
  /** All must be true: the policy's own condition, then the file's. */
  readonly expressions: readonly string[];
  /** What to ask for instead of a model; null where no mapping names it. */
  readonly mapped: (model: string) => string | null;
  /** It takes only models that its mapping names: a step down that steps nowhere is none. */
  readonly needsMapping: boolean;
  /** By priority. Never empty. */
  readonly groups: readonly (readonly TargetConfig[])[];
  readonly order: "given" | "price" | "latency";
  /** Leaves out targets that cannot serve what the request needs. */
  readonly capableOnly: boolean;
  readonly ceiling: Ceiling | null;
  readonly onUnsupported: RoutingRuleConfig["onUnsupported"];
  readonly fallbacks: RoutingRuleConfig["fallbacks"];
  readonly why: string;
}

const AS_ASKED: TargetConfig = { provider: null, model: null, weight: 1, priority: 1 };
const BACKGROUND = '["title", "summary", "auxiliary"]';

/** The internal form of a rule of the file. */
export function ruleOf(config: RoutingRuleConfig): Rule {
  const { id, when, policy, models, onUnsupported, fallbacks } = config;
  const plain = {
    id,
    expressions: when === null ? [] : [when],
    mapped: mapping(models),
    needsMapping: false,
    groups: byPriority(config.targets),
    order: "given",
    capableOnly: false,
    ceiling: null,
    onUnsupported,
    fallbacks,
    why: when === null ? `rule ${id} holds always` : `rule ${id} holds: ${oneLine(when)}`,
  } as const satisfies Rule;
  return policy === null ? plain : withPolicy(plain, policy);
}

function withPolicy(rule: Rule, policy: PolicyConfig): Rule {
  const why = `${rule.why} (policy ${policy.kind})`;
  const under = (condition: string): readonly string[] => [condition, ...rule.expressions];
  switch (policy.kind) {
    case "background_to_smallest": {
      const groups = [[{ ...AS_ASKED, model: policy.model }]];
      return { ...rule, why, groups, expressions: under(`task.type in ${BACKGROUND}`) };
    }
    case "subagents_cheaper": {
      const expressions = under(`agent.depth >= ${policy.minDepth}`);
      return { ...rule, why, needsMapping: true, expressions };
    }
    case "budget_step_down": {
      const share = (policy.abovePercent / 100).toFixed(6);
      const expressions = under(`budget.utilisation.${policy.level} > ${share}`);
      return { ...rule, why, needsMapping: true, expressions };
    }
    case "cheapest_capable":
      return { ...rule, why, order: "price", capableOnly: true };
    case "lowest_latency":
      return { ...rule, why, order: "latency" };
    case "price_ceiling": {
      const { maxInputPrice: inputPrice, maxOutputPrice: outputPrice } = policy;
      return { ...rule, why, ceiling: { inputPrice, outputPrice } };
    }
    case "weighted":
      return { ...rule, why };
  }
}

function mapping(models: readonly ModelMapping[]): Rule["mapped"] {
  const steps = models.map(({ from, to }) => ({ fits: modelMatcher([from]), to }));
  return (model) => steps.find(({ fits }) => fits(model))?.to ?? null;
}

function byPriority(targets: readonly TargetConfig[]): readonly (readonly TargetConfig[])[] {
  if (targets.length === 0) return [[AS_ASKED]];
  const groups = Map.groupBy(targets, ({ priority }) => priority);
  return [...groups].toSorted(([a], [b]) => a - b).map(([, group]) => group);
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

/** The ready-made policies, for the manual. */
export const POLICY_MEANINGS: Readonly<Record<PolicyConfig["kind"], string>> = {
  background_to_smallest: `Titles, summaries and other side calls ask for \`model\` (${POLICY_DEFAULTS.smallestModel} unless it says otherwise).`,
  subagents_cheaper:
    "From agents of depth `min_depth` (1) on, `models` are asked for instead; models that it does not name are left alone.",
  cheapest_capable:
    "Of `targets` (without any: the key's providers, with the model asked for) the one at which this request costs least, among those that serve what it needs: tools, thinking, pictures, documents, room for its input.",
  lowest_latency:
    "Of `targets` the healthy one with the lowest recent time to the first byte; one that was not measured yet comes first.",
  weighted: "Spreads requests over `targets` by `weight`.",
  budget_step_down:
    "Above `above_percent` (80) of the fullest budget at `level` (`max`: of all levels), `models` are asked for instead.",
  price_ceiling:
    "Only those of `targets` that cost at most `max_input_price` and `max_output_price`; a target without a known price is left out.",
};
