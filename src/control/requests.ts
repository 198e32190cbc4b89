/** `GET /api/v1/requests` and one of them: what was asked, what became of it, what it cost. */
import { z } from "zod";
import { isUsd, USD } from "../config/scalar.ts";
import { nanoUsd, parseUsd } from "../core/money.ts";
import { USAGE_FIELDS, type Usage } from "../core/usage.ts";
import { TASK_TYPES } from "../core/task-type.ts";
import type { Outcome } from "../journal/record.ts";
import type { RequestDetail } from "../views/rows.ts";
import { listOf, timeField, usdField } from "./answer-fields.ts";
import { type Changing, problemOf } from "./entity-changes.ts";
import { checkRange, choice, filterBy, invalidCursor, paging, range } from "./parameters.ts";
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

export const usageSchema = z
  .strictObject(
    Object.fromEntries(USAGE_FIELDS.map((field) => [field, z.int()])) as Record<
      keyof Usage,
      z.ZodInt
    >,
  )
  .meta({ id: "Usage" });

const REASON_CHARACTERS_MAX = 1000;

const text = z.string().nullable();
const count = z.int().nullable();

const word = z.union([z.string(), z.number()]).nullable();
const leverChangeSchema = z
  .strictObject({
    lever: z.string().describe("Its name in the configuration."),
    from: word.describe("As asked for; null: nothing was."),
    to: word.describe("Null: it was taken out."),
    by: z.string().describe("Whose lever it is."),
    observed: z.literal(true).optional().describe("Observe mode: nothing was changed."),
  })
  .meta({ id: "LeverChange" });

const row = {
  id: z.string().describe("Equal to the answer's tollgate-request-id."),
  time: timeField,
  customer: text,
  team: text,
  owner: text,
  virtual_key: text,
  labels: z.record(z.string(), z.string()),
  session: text,
  agent: text,
  parent_agent: text,
  task_type: z.enum(TASK_TYPES),
  task_source: text.describe("hint: the client's own word; heuristic: the gateway's guess."),
  dialect: z.string(),
  requested_model: text,
  provider: text,
  model: text,
  rule: text.describe("The routing rule that chose the target."),
  levers: z.array(leverChangeSchema).describe("What levers made of it, before it was routed."),
  status: count,
  outcome: z.enum(OUTCOMES),
  estimated: z.boolean(),
  refusal: text,
  refusal_by: text.describe("The scope whose rule or cap said no, or would have: team/platform."),
  usage: usageSchema,
  cost_usd: usdField,
  price: text,
  max_tokens: count,
  clamped_max_tokens: count,
  waited_ms: z.int(),
  latency_ms: z.int(),
  first_byte_ms: count,
  overhead_us: z.int(),
};

const actorField = z.string().describe("Who asked: local, token or browser.");

const correctionSchema = z
  .strictObject({
    time: timeField,
    cost_usd: usdField,
    delta_usd: usdField,
    reason: z.string(),
    actor: actorField,
  })
  .meta({ id: "Correction" });

const attemptSchema = z
  .strictObject({
    attempt: z.int().describe("From 1."),
    time: timeField,
    ended: timeField.nullable(),
    state: z.string(),
    provider: text,
    provider_key: z.string(),
    model: text,
    door: text.describe("The provider's door that it went through."),
    rule: text,
    levers: z.array(leverChangeSchema),
    route_note: text.describe("Why a session left its door, and what that costs."),
    dropped: z.array(z.string()).describe("Fields that the door could not carry."),
    price: z.string(),
    max_tokens: count,
    clamped_max_tokens: count,
    waited_ms: z.int(),
    refusal: text.describe("Observe mode: what enforcement would have answered."),
    refusal_by: text,
    shadow_max_tokens: count.describe("Observe mode: what enforcement would have lowered it to."),
    shadow_clamped_by: text.describe("The scope whose budget would have done so."),
    overshoot: text,
    need_usd: usdField,
    held_usd: usdField,
    cost_usd: usdField,
    estimated: z.boolean(),
    usage: usageSchema,
    upstream_status: count,
    upstream_request_id: text,
    fault: text,
    reason: text.describe("Why it was cancelled."),
    windows: z.array(z.string()),
    limits: z.array(z.string()),
    corrections: z.array(correctionSchema),
  })
  .meta({ id: "Attempt" });

const requestSchema = z.strictObject({ ...row, attempts: z.int() }).meta({ id: "Request" });
const requestDetailSchema = z
  .strictObject({ ...row, attempts: z.array(attemptSchema) })
  .meta({ id: "RequestDetail" });

const COST_FAULT =
  "is not an amount of US dollars: write a decimal that is not negative, with up to 9 decimals";

const correctionBody = z
  .strictObject({
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
  })
  .meta({ id: "NewCorrection" });

const query = z.strictObject({
  ...paging,
  virtual_key: filterBy("virtual key"),
  team: filterBy("team"),
  customer: filterBy("customer"),
  owner: filterBy("owner"),
  session: filterBy("session"),
  model: filterBy("model"),
  provider: filterBy("provider"),
  outcome: choice(OUTCOMES).optional().describe("Only those that ended so."),
  ...range,
});

const ID_IS = "The request's id: the answer's tollgate-request-id.";

type RequestPorts = Pick<ControlPorts, "views" | "head" | "correct">;

export function requestRoutes(ports: RequestPorts, changing: Changing): Route[] {
  const { views } = ports;
  return [
    correctionRoute(ports, changing),
    route({
      method: "GET",
      path: "/api/v1/requests",
      operation: "listRequests",
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
      operation: "getRequest",
      idIs: ID_IS,
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
    operation: "correctRequest",
    idIs: ID_IS,
    tag: "requests",
    summary: "Replaces an estimated charge by a stated one",
    body: correctionBody,
    status: 200,
    answer: requestDetailSchema,
    problems: [404, 409, 503],
    headers: ["idempotency-key"],
    handle: (call) =>
      idempotency.once({
        name: `POST /api/v1/requests/${call.id}/correction`,
        call,
        act: async (by) => {
          const { cost_usd: cost, reason, attempt = null } = call.body;
          const order = { request: call.id, attempt, cost: parseUsd(cost) ?? nanoUsd(0n), reason };
          const problem = await inTurn(() => ports.correct(order, by));
          if (problem !== null) throw problemOf(problem);
          return { body: await endedRequest(call.id, ports) };
        },
        again: async () => ({ body: await endedRequest(call.id, ports) }),
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
