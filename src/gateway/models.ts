/** `GET /v1/models`: the first usable provider's own answer, cut down to what the key may use. */
import { isRefusal, type Refusal } from "../core/refusal.ts";
import type { Plan } from "../policy/plan.ts";
import { answerJson } from "./answer.ts";
import type { Target } from "./candidates.ts";
import { collect } from "./collect.ts";
import type { Exchange } from "./exchange.ts";
import { identifiedBy, upstreamRequest } from "./forward.ts";
import { listedModel, listOf, readModelList, type ModelList } from "./model-list.ts";
import type { Gateway } from "./ports.ts";
import { usableTarget } from "./route.ts";

/** The client gives up after 3 s by itself. */
const DEADLINE_MS = 2_500;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Answers with the models that the key's provider configs allow. Counted by no limit. */
export async function serveModels(
  exchange: Exchange,
  plan: Plan,
  gateway: Gateway,
): Promise<Refusal | null> {
  const target = usableTarget(plan);
  if (isRefusal(target)) return target;
  const listed = await askForModels(exchange, target, gateway);
  answerJson(
    exchange,
    listed === null ? fromPrices(exchange, plan, target) : allowedOf(listed, plan, target),
  );
  return null;
}

/** Null where the provider has no list, or gives none in time. */
async function askForModels(
  exchange: Exchange,
  target: Target,
  gateway: Gateway,
): Promise<ModelList | null> {
  const { modelList, kind } = target.row;
  const path = target.address.modelList;
  if (modelList === null || path === null) return null;
  const queryAt = exchange.target.indexOf("?");
  const isOwn = modelList.format === "anthropic" && queryAt >= 0;
  const request = upstreamRequest(
    target,
    {
      method: "GET",
      path,
      query: isOwn ? exchange.target.slice(queryAt) : "",
      headers: exchange.request.headers,
      body: null,
    },
    gateway.timeouts(),
  );
  const shown = await gateway.authenticate(target, request);
  if (!shown.ok) return null;
  const limits = { deadlineMs: DEADLINE_MS, maxBytes: ANSWER_BYTES_MAX };
  const client = gateway.upstream(kind);
  const answer = await collect(client, identifiedBy(request, shown.headers), limits);
  if (answer === null || answer.status !== 200) return null;
  return readModelList(answer.body, modelList.format);
}

/** Also what the file maps to one of the provider's models: clients ask by those names. */
function allowedOf(list: ModelList, plan: Plan, { use }: Target): ModelList {
  const mapped = use.provider.modelMap.filter(({ from }) => !/[*?]/.test(from));
  const data = [...mapped.map(({ from }) => listedModel(from)), ...list.data];
  return { ...list, data: data.filter(({ id }) => isAllowed(plan, id)) };
}

function fromPrices({ ruling }: Exchange, plan: Plan, { row }: Target) {
  const ids = ruling.prices.wireIds(row.kind).filter((id) => isAllowed(plan, id));
  return listOf(ids.map((id) => listedModel(id)));
}

function isAllowed(plan: Plan, model: string): boolean {
  return plan.providers.some((use) => use.allows(model));
}
