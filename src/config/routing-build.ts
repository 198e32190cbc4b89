/** Makes the routing rules of a file that is known to be without fault. */
import type { ModelMapping } from "./config.ts";
import {
  POLICY_DEFAULTS,
  type PolicyConfig,
  type RoutingConfig,
  type RoutingRuleConfig,
  type TargetConfig,
} from "./routing-config.ts";
import type { ConfigFile } from "./schema.ts";

type FileRouting = ConfigFile["routing"];
type FileRule = FileRouting["rules"][number];

export function routingOf(routing: FileRouting): RoutingConfig {
  const { on_unsupported: onUnsupported } = routing;
  return {
    failOver: routing.fail_over,
    onUnsupported,
    rules: routing.rules.map((rule) => ruleOf(rule, onUnsupported)),
  };
}

function ruleOf(rule: FileRule, standard: RoutingConfig["onUnsupported"]): RoutingRuleConfig {
  return {
    id: rule.id,
    when: rule.when ?? null,
    policy: policyOf(rule),
    targets: rule.targets.map(targetOf),
    models: modelsOf(rule),
    onUnsupported: rule.on_unsupported ?? standard,
    fallbacks: {
      contextLength: rule.fallbacks.context_length.map(targetOf),
      contentPolicy: rule.fallbacks.content_policy.map(targetOf),
    },
  };
}

function targetOf(target: FileRule["targets"][number]): TargetConfig {
  const { provider = null, model = null, weight, priority } = target;
  return { provider, model, weight, priority };
}

function modelsOf(rule: FileRule): readonly ModelMapping[] {
  const written = Object.entries(rule.models).map(([from, to]) => ({ from, to }));
  const steps = rule.policy === "subagents_cheaper" || rule.policy === "budget_step_down";
  return steps && written.length === 0 ? POLICY_DEFAULTS.cheaperModels : written;
}

function policyOf(rule: FileRule): PolicyConfig | null {
  const { policy: kind } = rule;
  switch (kind) {
    case undefined:
      return null;
    case "background_to_smallest":
      return { kind, model: rule.model ?? POLICY_DEFAULTS.smallestModel };
    case "subagents_cheaper":
      return { kind, minDepth: rule.min_depth ?? POLICY_DEFAULTS.minDepth };
    case "budget_step_down":
      return {
        kind,
        abovePercent: rule.above_percent ?? POLICY_DEFAULTS.abovePercent,
        level: rule.level ?? POLICY_DEFAULTS.level,
      };
    case "price_ceiling":
      return {
        kind,
        maxInputPrice: rule.max_input_price ?? null,
        maxOutputPrice: rule.max_output_price ?? null,
      };
    case "cheapest_capable":
    case "lowest_latency":
    case "weighted":
      return { kind };
  }
}
