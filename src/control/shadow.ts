/** `GET /api/v1/shadow/report`: what enforcement would have done where scopes only observe, and to whom. */
import { z } from "zod";
import { SCOPE_TYPES } from "../core/span.ts";
import { formatTime } from "../core/time.ts";
import { calendarWindow } from "../ledger/calendar.ts";
import { timeField, usdField } from "./answer-fields.ts";
import { checkRange, choice, range } from "./parameters.ts";
import type { ControlPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { route, type Route } from "./route.ts";

const hitSchema = z
  .strictObject({
    virtual_key: z.string().nullable(),
    owner: z.string().nullable(),
    requests: z.int(),
    first: timeField,
    last: timeField,
  })
  .meta({ id: "ShadowHit" });

const scopeSchema = z
  .strictObject({
    scope: z
      .strictObject({ type: z.string(), id: z.string() })
      .nullable()
      .describe("Whose rule or cap it is; null: no scope's."),
    requests: z.int().describe("Requests that it would have touched in any way."),
    would_refuse: z.record(z.string(), z.int()).describe("Requests by the refusal's code."),
    would_wait: z.int().describe("Requests that only others' holds would have kept waiting."),
    would_clamp: z.int().describe("Requests with max_tokens lowered."),
    would_reroute: z.int(),
    would_change: z.int().describe("Requests changed in other ways than max_tokens."),
    would_slow: z.int(),
    saved_usd: usdField.describe(
      "The cost of what would have been refused, and of output that would have been cut.",
    ),
    hit: z.array(hitSchema).describe("Whom it would have hit, the most first; at most 100."),
  })
  .meta({ id: "ShadowScope" });

const reportSchema = z
  .strictObject({
    from: timeField,
    to: timeField,
    observed_requests: z
      .int()
      .describe("Requests that a scope in shadow let through as they came."),
    scopes: z.array(scopeSchema),
  })
  .meta({ id: "ShadowReport" });

export type PrintedShadowReport = z.infer<typeof reportSchema>;

const query = z.strictObject({
  ...range,
  scope_type: choice([...SCOPE_TYPES, "provider_key"])
    .optional()
    .describe("With scope_id: only what is by that scope."),
  scope_id: z
    .string()
    .min(1, { error: "is empty: leave it out, or give an id" })
    .optional()
    .describe("With scope_type."),
});

export function shadowRoutes(
  ports: Pick<ControlPorts, "views" | "head" | "config" | "clock">,
): Route[] {
  const { views, clock } = ports;
  return [
    route({
      method: "GET",
      path: "/api/v1/shadow/report",
      operation: "getShadowReport",
      tag: "shadow",
      summary: "What scopes in shadow would have done; without a range, this week",
      query,
      status: 200,
      answer: reportSchema,
      problems: [503],
      handle: async ({ query: asked }) => {
        const scope = scopeIn(asked);
        const nowMs = clock.wallMs();
        const week = calendarWindow("week", ports.config().timeZone, nowMs);
        const { from = week.startMs, to = nowMs + 1 } = asked;
        checkRange({ from, to });
        await views.sync(ports.head().seq);
        const report = await views.shadow({ fromMs: from, toMs: to, scope });
        return { body: { from: formatTime(from), to: formatTime(to), ...report } };
      },
    }),
  ];
}

/** @throws Problem where only one of the two is given. */
function scopeIn(asked: z.infer<typeof query>): string | undefined {
  const { scope_type: type, scope_id: id } = asked;
  if (type === undefined && id === undefined) return undefined;
  if (type !== undefined && id !== undefined) return `${type}/${id}`;
  const parameter = type === undefined ? "scope_type" : "scope_id";
  const detail = `The parameter ${parameter} is missing: a scope has a type and an id.`;
  throw new Problem("invalid_parameter", detail, { parameter });
}
