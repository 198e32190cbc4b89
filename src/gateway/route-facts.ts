/** What routing rules may ask about a request, read only as far as some rule asks. */
import type { Plan } from "../policy/plan.ts";
import { utilisationOf } from "../policy/utilisation.ts";
import type { Rates } from "../pricing/price.ts";
import type { ProviderFacts, RequestFacts } from "../routing/rules/facts.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { candidateOf, type Candidate } from "./candidates.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./ports.ts";
import { countedSession } from "./session-rules.ts";

/** Bytes of a request for one token of its input: an estimate for rules, never for money. */
const BYTES_PER_TOKEN = 3.5;
const PICO_PER_USD_PER_MILLION = 1_000_000;

export interface Routing {
  readonly exchange: Exchange;
  readonly plan: Plan;
  readonly model: string;
  readonly body: MessagesBody;
}

/** The facts of one request. */
export function routeFacts(of: Routing, gateway: Gateway): RequestFacts {
  const { exchange, plan, model, body } = of;
  const { subject } = exchange;
  const { facts } = body;
  const nowMs = gateway.ledgerClock.nowMs();
  const seen = gateway.sessionLog.note(plan.virtualKey, subject?.session ?? null, nowMs);
  return {
    model,
    task: { type: subject?.taskType ?? "other", source: subject?.taskSource ?? "heuristic" },
    session: {
      id: subject?.session ?? null,
      ageSeconds: Math.max(0, Math.floor((nowMs - seen.firstMs) / 1000)),
      requests: seen.requests,
    },
    agent: { id: subject?.agent ?? null, depth: depthOf(subject) },
    input: {
      bytes: body.byteLength,
      tokensEstimate: Math.ceil(body.byteLength / BYTES_PER_TOKEN),
    },
    thinking: body.fields.thinking !== undefined,
    toolCount: facts.tools,
    images: facts.images,
    documents: facts.opaqueInput,
    stream: body.stream,
    maxTokens: body.maxTokens,
    labels: plan.labels ?? {},
    customer: plan.customer,
    team: plan.team,
    owner: plan.owner,
    virtualKey: plan.virtualKey,
    atMs: nowMs,
    providers: plan.providers.map(({ provider }) => provider.id),
    allows: (provider, asked) => servedBy(plan, provider, asked) !== null,
    utilisation: () => {
      const { session } = countedSession(exchange, plan, gateway);
      return utilisationOf(plan, gateway.ledger, { nowMs, session });
    },
    provider: (id, asked) => providerFacts(servedBy(plan, id, asked), { nowMs, exchange, gateway }),
  };
}

function depthOf(subject: Exchange["subject"]): number {
  if (subject === null || subject.agent === null) return 0;
  return subject.parentAgent === null ? 1 : 2;
}

/** How one of the key's providers serves a model that the key may use there; null where it does not. */
export function servedBy(plan: Plan, provider: string, model: string): Candidate | null {
  const use = plan.providers.find((each) => each.provider.id === provider);
  return use === undefined || !use.allows(model) ? null : candidateOf(use, model);
}

function providerFacts(
  candidate: Candidate | null,
  at: { readonly nowMs: number; readonly exchange: Exchange; readonly gateway: Gateway },
): ProviderFacts {
  if (candidate === null) return UNKNOWN;
  const { health } = at.gateway;
  const { use, keys, model, row } = candidate;
  const { prices } = at.exchange.ruling;
  const isPriced = prices.known(model, row.kind);
  const price = prices.resolve(model, at.nowMs, row.kind);
  return {
    healthy: health.isHealthy(use.provider.id, keys),
    latencyMs: health.latencyMs(use.provider.id, model),
    inputPrice: isPriced ? perMillion(price.rates.input) : null,
    outputPrice: isPriced ? perMillion(price.rates.output) : null,
    contextWindowTokens: isPriced ? price.contextWindowTokens : null,
  };
}

const UNKNOWN: ProviderFacts = {
  healthy: false,
  latencyMs: null,
  inputPrice: null,
  outputPrice: null,
  contextWindowTokens: null,
};

function perMillion(rate: Rates["input"]): number {
  return Number(rate) / PICO_PER_USD_PER_MILLION;
}
