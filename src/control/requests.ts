/** `GET /api/v1/requests` and one of them: what was asked, what became of it, what it cost. */
import { z } from "zod";
import { isUsd, USD } from "../config/scalar.ts";
import { nanoUsd, parseUsd } from "../core/money.ts";
import { USAGE_FIELDS, type Usage } from "../core/usage.ts";
import type { Outcome } from "../journal/record.ts";
import type { RequestDetail } from "../views/rows.ts";
import { type Changing, problemOf } from "./entity-changes.ts";
import { checkRange, choice, filter, invalidCursor, listOf, paging, range } from "./parameters.ts";
import type { ControlPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { route, type Route } from "./route.ts";

const OUTCOMES = [
  "ok",
  "refused",
  "upstream_error",
  "client_closed",
  "interrupted",
] as const satisfies readonly Outcome[];

export const usageSchema = z.strictObject(
  Object.fromEntries(USAGE_FIELDS.map((field) => [field, z.int()])) as Record<
    keyof Usage,
    z.ZodInt
  >,
);

const REASON_CHARACTERS_MAX = 1000;

const text = z.string().nullable();
const count = z.int().nullable();

const row = {
  id: z.string().describe("Equal to the answer's tollgate-request-id."),
  time: z.string(),
  customer: text,
  team: text,
  owner: text,
  virtual_key: text,
  labels: z.record(z.string(), z.string()),
  session: text,
  agent: text,
  parent_agent: text,
  task_type: z.string(),
  dialect: z.string(),
  requested_model: text,
  provider: text,
  model: text,
  status: count,
  outcome: z.enum(OUTCOMES),
  estimated: z.boolean(),
  refusal: text,
  usage: usageSchema,
  cost_usd: z.string(),
  price: text,
  max_tokens: count,
  clamped_max_tokens: count,
  waited_ms: z.int(),
  latency_ms: z.int(),
  first_byte_ms: count,
  overhead_us: z.int(),
};

const correctionSchema = z.strictObject({
  time: z.string(),
  cost_usd: z.string(),
  delta_usd: z.string(),
  reason: z.string(),
  actor: z.string(),
});

const attemptSchema = z.strictObject({
  attempt: z.int().describe("From 1."),
  time: z.string(),
  ended: text,
  state: z.string(),
  provider: text,
  provider_key: z.string(),
  model: text,
  price: z.string(),
  max_tokens: count,
  clamped_max_tokens: count,
  waited_ms: z.int(),
  refusal: text.describe("Observe mode: what enforcement would have answered."),
  overshoot: text,
  need_usd: z.string(),
  held_usd: z.string(),
  cost_usd: z.string(),
  estimated: z.boolean(),
  usage: usageSchema,
  upstream_status: count,
  upstream_request_id: text,
  fault: text,
  reason: text.describe("Why it was cancelled."),
  windows: z.array(z.string()),
  limits: z.array(z.string()),
  corrections: z.array(correctionSchema),
});

const requestSchema = z.strictObject({ ...row, attempts: z.int() });
const requestDetailSchema = z.strictObject({ ...row, attempts: z.array(attemptSchema) });

const COST_FAULT =
  "is not an amount of US dollars: write a decimal that is not negative, with up to 9 decimals";

const correctionBody = z.strictObject({
  cost_usd: z
    .string({ error: COST_FAULT })
    .regex(USD, { error: COST_FAULT, abort: true })
    .refine(isUsd, { error: COST_FAULT })
    .describe("What the provider charged for the attempt."),
  reason: z
    .string({ error: "is missing: say why, such as the invoice's number" })
    .trim()
    .min(1, { error: "is empty: say why, such as the invoice's number" })
    .max(REASON_CHARACTERS_MAX, { error: `is longer than ${REASON_CHARACTERS_MAX} characters` }),
  attempt: z
    .int({ error: "is not the number of an attempt, from 1" })
    .min(1, { error: "is not the number of an attempt, from 1" })
    .optional()
    .describe("Needed only where several were estimated."),
});

const query = z.strictObject({
  ...paging,
  virtual_key: filter.optional(),
  team: filter.optional(),
  customer: filter.optional(),
  owner: filter.optional(),
  session: filter.optional(),
  model: filter.optional(),
  provider: filter.optional(),
  outcome: choice(OUTCOMES).optional(),
  ...range,
});

type RequestPorts = Pick<ControlPorts, "views" | "head" | "correct">;

export function requestRoutes(ports: RequestPorts, changing: Changing): Route[] {
  const { views } = ports;
  return [
    correctionRoute(ports, changing),
    route({
      method: "GET",
      path: "/api/v1/requests",
      tag: "requests",
      summary: "Ended requests, the newest first",
      query,
      status: 200,
      answer: listOf(requestSchema),
      problems: [503],
      handle: async ({ query: asked }) => {
        checkRange(asked);
        const { from, to, ...rest } = asked;
        // What was written before the question is part of the answer.
        await views.sync(ports.head().seq);
        const page = await views.requests({ ...rest, fromMs: from, toMs: to });
        if ("error" in page) throw invalidCursor(asked.cursor ?? "");
        return { body: page };
      },
    }),
    route({
      method: "GET",
      path: "/api/v1/requests/{id}",
      tag: "requests",
      summary: "One request with its attempts",
      status: 200,
      answer: requestDetailSchema,
      problems: [404, 503],
      handle: async ({ id }) => ({ body: await endedRequest(id, ports) }),
    }),
  ];
}

function correctionRoute(ports: RequestPorts, { idempotency, inTurn }: Changing): Route {
  return route({
    method: "POST",
    path: "/api/v1/requests/{id}/correction",
    tag: "requests",
    summary: "Replaces an estimated charge by a stated one",
    body: correctionBody,
    status: 200,
    answer: requestDetailSchema,
    problems: [404, 409, 503],
    headers: ["idempotency-key"],
    handle: (call) =>
      idempotency.once(`POST /api/v1/requests/${call.id}/correction`, call, async () => {
        const { cost_usd: cost, reason, attempt = null } = call.body;
        const order = { request: call.id, attempt, cost: parseUsd(cost) ?? nanoUsd(0n), reason };
        const problem = await inTurn(() => ports.correct(order, call.actor));
        if (problem !== null) throw problemOf(problem);
        return { body: await endedRequest(call.id, ports) };
      }),
  });
}

/** @throws Problem where there is none. */
async function endedRequest(id: string, { views, head }: RequestPorts): Promise<RequestDetail> {
  await views.sync(head().seq);
  const found = await views.request(id);
  if (found !== null) return found;
  throw new Problem("not_found", `No ended request has the id ${id}.`, { value: id });
}
