/** A dry run of the routing rules in force for a request that nobody sends. */
import type { RouteExplanation, RouteQuestion } from "../control/ports.ts";
import type { VirtualKeyId } from "../core/ids.ts";
import { candidateOf } from "../gateway/candidates.ts";
import type { Ruling } from "../gateway/ports.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Plan } from "../policy/plan.ts";
import { utilisationOf } from "../policy/utilisation.ts";
import type { Health } from "../routing/health/health.ts";
import type { ProviderFacts, RequestFacts } from "../routing/rules/facts.ts";

/** JSON of Claude Code's bodies: a token to some four bytes. */
const BYTES_PER_TOKEN = 4;
const PICO_PER_USD_AND_MILLION = 1_000_000;

interface ExplainOptions {
  readonly ruling: () => Ruling;
  readonly ledger: Pick<Ledger, "windowAt">;
  readonly health: Pick<Health, "isHealthy" | "latencyMs">;
  /** The ledger's time. */
  readonly nowMs: () => number;
}

/** Answers questions about routes by what is in force; null for a key that there is not. */
export function createRouteExplainer(
  options: ExplainOptions,
): (question: RouteQuestion) => RouteExplanation | null {
  return (question) => {
    const ruling = options.ruling();
    const plan = ruling.policy.plans.get(question.virtualKey as VirtualKeyId);
    if (plan === undefined) return null;
    return ruling.routing.explain(factsOf(question, plan, { ...options, prices: ruling.prices }));
  };
}

type Known = Omit<ExplainOptions, "ruling"> & { readonly prices: Ruling["prices"] };

function factsOf(question: RouteQuestion, plan: Plan, known: Known): RequestFacts {
  const { model, task, inputBytes, agentDepth, thinking, toolCount, stream, maxTokens, atMs } =
    question;
  const { customer, team, owner, virtualKey } = plan;
  const served = (provider: string, asked: string) => {
    const use = plan.providers.find((each) => each.provider.id === provider);
    return use === undefined || !use.allows(asked) ? null : candidateOf(use, asked);
  };
  return {
    model,
    thinking,
    toolCount,
    stream,
    maxTokens,
    atMs,
    customer,
    team,
    owner,
    virtualKey,
    task: { type: task, source: "hint" },
    session: { id: null, ageSeconds: 0, requests: 0 },
    agent: { id: agentDepth === 0 ? null : "agent", depth: agentDepth },
    input: { bytes: inputBytes, tokensEstimate: Math.ceil(inputBytes / BYTES_PER_TOKEN) },
    images: 0,
    documents: false,
    labels: { ...plan.labels, ...question.labels },
    providers: plan.providers.map(({ provider }) => provider.id),
    allows: (provider, asked) => served(provider, asked) !== null,
    utilisation: () => utilisationOf(plan, known.ledger, { nowMs: known.nowMs(), session: null }),
    provider: (id, asked) => providerFacts(served(id, asked), atMs, known),
  };
}

function providerFacts(
  candidate: ReturnType<typeof candidateOf>,
  atMs: number,
  { prices, health }: Known,
): ProviderFacts {
  if (candidate === null) return NOT_SERVED;
  const { use, row, model, keys } = candidate;
  const now = {
    healthy: health.isHealthy(use.provider.id, keys),
    latencyMs: health.latencyMs(use.provider.id, model),
  };
  if (!prices.known(model, row.kind)) return { ...NOT_SERVED, ...now };
  const { rates, contextWindowTokens } = prices.resolve(model, atMs, row.kind);
  return {
    ...now,
    inputPrice: Number(rates.input) / PICO_PER_USD_AND_MILLION,
    outputPrice: Number(rates.output) / PICO_PER_USD_AND_MILLION,
    contextWindowTokens,
  };
}

const NOT_SERVED: ProviderFacts = {
  healthy: false,
  latencyMs: null,
  inputPrice: null,
  outputPrice: null,
  contextWindowTokens: null,
};
