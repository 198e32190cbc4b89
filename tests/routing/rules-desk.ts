/** Requests, rules and configurations for tests of routing; each with whatever a test wants different. */
import type { ProviderId } from "../../src/core/ids.ts";
import type { RoutingRuleConfig, TargetConfig } from "../../src/config/routing-config.ts";
import type { Decision } from "../../src/routing/rules/decision.ts";
import type { ProviderFacts, RequestFacts } from "../../src/routing/rules/facts.ts";
import { compileRouting, type RoutingSource } from "../../src/routing/rules/routing.ts";

/** A provider of which everything is known and nothing is special. */
export const PRICES: ProviderFacts = {
  healthy: true,
  latencyMs: null,
  inputPrice: 1,
  outputPrice: 5,
  contextWindowTokens: 200_000,
};

/** A request for claude-opus-5-5 by a key that may use the providers "up" and "spare". */
export function facts(differing: Partial<RequestFacts>): RequestFacts {
  return {
    model: "claude-opus-5-5",
    task: { type: "main", source: "heuristic" },
    session: { id: "s", ageSeconds: 60, requests: 3 },
    agent: { id: null, depth: 0 },
    input: { bytes: 40_000, tokensEstimate: 10_000 },
    thinking: true,
    toolCount: 12,
    images: 0,
    documents: false,
    stream: true,
    maxTokens: 32_000,
    labels: {},
    customer: "acme",
    team: "platform",
    owner: "ada",
    virtualKey: "ada",
    atMs: Date.parse("2026-11-23T12:00:00Z"),
    providers: ["up", "spare"],
    allows: () => true,
    utilisation: () => ({ customer: 0, team: 0, owner: 0, virtual_key: 0, max: 0 }),
    provider: () => PRICES,
    ...differing,
  };
}

export function aTarget(differing: Partial<TargetConfig>): TargetConfig {
  return { provider: null, model: null, weight: 1, priority: 1, ...differing };
}

/** A rule that always holds and changes nothing. */
export function aRule(differing: Partial<RoutingRuleConfig>): RoutingRuleConfig {
  return {
    id: "rule",
    when: null,
    policy: null,
    targets: [],
    models: [],
    onUnsupported: "refuse",
    fallbacks: { contextLength: [], contentPolicy: [] },
    ...differing,
  };
}

/** A configuration with these rules and the providers "up" and "spare", both of kind anthropic. */
export function source(rules: readonly RoutingRuleConfig[], timeZone = "UTC"): RoutingSource {
  const provider = (id: string): RoutingSource["providers"][number] => ({
    id: id as ProviderId,
    kind: "anthropic",
    baseUrl: null,
    settings: {},
    door: null,
    modelMap: [],
    quirks: [],
    allowPrivateNetwork: false,
    keys: [],
  });
  return {
    timeZone,
    providers: [provider("up"), provider("spare")],
    routing: { failOver: true, onUnsupported: "refuse", rules },
  };
}

/** The decision of these rules on one request. */
export function decideBy(
  rules: readonly RoutingRuleConfig[],
  differing: Partial<RequestFacts>,
  timeZone?: string,
): Decision {
  return compileRouting(source(rules, timeZone)).decide(facts(differing));
}
