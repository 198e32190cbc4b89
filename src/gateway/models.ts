/** `GET /v1/models`: the first usable provider's own answer, cut down to what the key may use. */
import { isRefusal, type Refusal } from "../core/refusal.ts";
import type { Plan } from "../policy/plan.ts";
import { answerJson } from "./answer.ts";
import { collect, type Collected } from "./collect.ts";
import type { Exchange } from "./exchange.ts";
import { identifiedBy, upstreamRequest } from "./forward.ts";
import type { Gateway } from "./ports.ts";
import type { Target } from "./candidates.ts";
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
  const answer = await askForModels(exchange, target, gateway);
  const listed = answer === null ? null : listOf(answer);
  answerJson(exchange, listed === null ? fromPrices(exchange, plan) : allowedOf(listed, plan));
  return null;
}

/** Null where the provider has no list in our dialect, or gives none in time. */
async function askForModels(
  exchange: Exchange,
  target: Target,
  gateway: Gateway,
): Promise<Collected | null> {
  const { modelList, kind } = target.row;
  const path = target.address.modelList;
  if (modelList?.format !== "anthropic" || path === null) return null;
  const queryAt = exchange.target.indexOf("?");
  const request = upstreamRequest(
    target,
    {
      method: "GET",
      path,
      query: queryAt < 0 ? "" : exchange.target.slice(queryAt),
      headers: exchange.request.headers,
      body: null,
    },
    gateway.timeouts(),
  );
  const shown = await gateway.authenticate(target, request);
  if (!shown.ok) return null;
  const limits = { deadlineMs: DEADLINE_MS, maxBytes: ANSWER_BYTES_MAX };
  return collect(gateway.upstream(kind), identifiedBy(request, shown.headers), limits);
}

interface ModelList {
  readonly data: readonly { readonly id: string }[];
}

function listOf(answer: Collected): ModelList | null {
  if (answer.status !== 200) return null;
  try {
    const list: unknown = JSON.parse(answer.body.toString("utf8"));
    const data = typeof list === "object" && list !== null && "data" in list ? list.data : null;
    return isModels(data) ? { ...(list as object), data } : null;
  } catch {
    // No JSON, so no list: the price table answers instead.
    return null;
  }
}

function isModels(data: unknown): data is ModelList["data"] {
  return Array.isArray(data) && data.every(hasId);
}

function hasId(entry: unknown): entry is { readonly id: string } {
  return (
    typeof entry === "object" && entry !== null && "id" in entry && typeof entry.id === "string"
  );
}

function allowedOf(list: ModelList, plan: Plan): ModelList {
  return { ...list, data: list.data.filter(({ id }) => isAllowed(plan, id)) };
}

function fromPrices(exchange: Exchange, plan: Plan) {
  const data = exchange.ruling.prices
    .wireIds()
    .filter((id) => isAllowed(plan, id))
    .map((id) => ({ type: "model", id, display_name: id, created_at: "1970-01-01T00:00:00Z" }));
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  return { data, has_more: false, ...ends };
}

function isAllowed(plan: Plan, model: string): boolean {
  return plan.providers.some((use) => use.allows(model));
}
