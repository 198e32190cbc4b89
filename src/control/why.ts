/** `GET /api/v1/why`: whether a key may make a request, by which rule of which scope, and what limits it. */
import { isIP } from "node:net";
import { z } from "zod";
import { ANSWERED_TASKS } from "../core/task-type.ts";
import { formatUsd, nanoUsd } from "../core/money.ts";
import { REFUSALS, type Refusal, type RefusalCode } from "../core/refusal.ts";
import { SCOPE_TYPES } from "../core/span.ts";
import { formatTime } from "../core/time.ts";
import { timeField } from "./answer-fields.ts";
import { printVirtualKey } from "./entity-fields.ts";
import { choice, moment } from "./parameters.ts";
import type { ControlPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { route, type Route } from "./route.ts";
import type { WhyLimit, WhyReport } from "./why-report.ts";

const NAME_CHARACTERS_MAX = 256;
const LIST_MAX = 50;

const name = z
  .string({ error: "is missing: give one" })
  .min(1, { error: "is empty: give a name" })
  .max(NAME_CHARACTERS_MAX, { error: `has more than ${NAME_CHARACTERS_MAX} characters` });

const names = z
  .string()
  .min(1, { error: "is empty: leave it out, or give a name" })
  .refine((text) => text.split(",").length <= LIST_MAX, {
    error: `has more than ${LIST_MAX} names`,
  })
  .optional();

const query = z.strictObject({
  virtual_key: name.describe("Id of the key that would ask."),
  model: name.describe("The model asked for, as the client writes it."),
  provider: name.optional().describe("Id of a provider; without it any of the key."),
  task_type: choice(ANSWERED_TASKS).optional().describe("The kind of task."),
  address: z
    .string()
    .refine((text) => isIP(text) !== 0, { error: "is not an IP address" })
    .optional()
    .describe("Where the client is."),
  beta: names.describe("Values of anthropic-beta, separated by commas."),
  tool: names.describe("Types or families of server tools, separated by commas."),
  header: names.describe("Names of request headers, separated by commas."),
  at: moment.optional().describe("RFC 3339; now where it is missing."),
});

const refusalSchema = z
  .strictObject({
    code: z.enum(Object.keys(REFUSALS) as [RefusalCode, ...RefusalCode[]]),
    message: z.string().describe("What the client would be told."),
    by: z.string().nullable().describe("The scope whose rule it is; null: none's."),
  })
  .meta({ id: "WhyRefusal" });

const answer = z
  .strictObject({
    allowed: z.boolean().describe("The key counts, and no rule refuses; limits are not asked."),
    key_state: z.enum(["active", "revoked", "expired", "without_secret"]),
    refusal: refusalSchema.nullable().describe("Null: no rule refuses."),
    on_paper: refusalSchema
      .nullable()
      .describe("What rules that only observe would have answered."),
    rule: z.string().nullable().describe("The routing rule that takes it; null: none does."),
    route: z.string().describe("Why it goes where it goes."),
    levels: z
      .array(
        z.strictObject({
          scope: z.string().describe("type/id; gateway for the file's top level."),
          observed: z.boolean().describe("Its rules are followed on paper alone."),
          verdicts: z
            .array(
              z.strictObject({
                about: z.string().describe("The field of access."),
                value: z.string(),
                allowed: z.boolean(),
                rule: z.string().describe("Where it stands, and what it says."),
              }),
            )
            .describe("Empty: the scope says nothing about it."),
        }),
      )
      .describe("Every level of the chain, outermost first."),
    providers: z.array(
      z.strictObject({
        id: z.string(),
        usable: z.boolean(),
        why: z.string().nullable().describe("Why not; null where it is usable."),
      }),
    ),
    limits: z
      .array(
        z.strictObject({
          scope: z.strictObject({ type: z.enum(SCOPE_TYPES), id: z.string() }),
          unit: z.enum(["usd", "cost", "requests", "input_tokens", "output_tokens", "concurrent"]),
          per: z.string(),
          limit: z.string().describe("In the unit, a decimal."),
          used: z.string().nullable().describe("Settled and held; null: each session's own."),
          resets: timeField.nullable().describe("Null: not at a fixed time."),
        }),
      )
      .describe("Limits and budgets that apply now, outermost first."),
  })
  .meta({ id: "Why" });

export type PrintedWhy = z.infer<typeof answer>;

type WhyPorts = Pick<ControlPorts, "why" | "keys" | "clock">;

export function whyRoutes(ports: WhyPorts): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/v1/why",
      operation: "explainAccess",
      tag: "routing",
      summary: "Tells whether a key may make a request, by whose rules, and within which limits",
      query,
      status: 200,
      answer,
      handle: ({ query: asked }) => ({ body: explained(ports, asked) }),
    }),
  ];
}

function explained(ports: WhyPorts, asked: z.output<typeof query>): PrintedWhy {
  const { virtual_key: virtualKey, model } = asked;
  const nowMs = ports.clock.wallMs();
  const report = ports.why({
    virtualKey,
    model,
    provider: asked.provider ?? null,
    taskType: asked.task_type ?? null,
    address: asked.address ?? null,
    betas: listOf(asked.beta),
    tools: listOf(asked.tool),
    headers: listOf(asked.header),
    atMs: asked.at ?? nowMs,
  });
  const view = ports.keys.get(virtualKey);
  if (report !== null && view !== null) return printed(report, printVirtualKey(view, nowMs).state);
  const detail = `The parameter virtual_key names no key: ${virtualKey}.`;
  throw new Problem("invalid_parameter", detail, { parameter: "virtual_key", value: virtualKey });
}

function listOf(text: string | undefined): string[] {
  return (text ?? "").split(",").flatMap((one) => (one.trim() === "" ? [] : [one.trim()]));
}

function printed(report: WhyReport, state: PrintedWhy["key_state"]): PrintedWhy {
  const { refusal, onPaper, route: taken, levels, providers, limits } = report;
  return {
    allowed: refusal === null && state === "active",
    key_state: state,
    refusal: printedRefusal(refusal),
    on_paper: printedRefusal(onPaper),
    rule: taken.rule,
    route: taken.why,
    levels: levels.map(({ scope, observed, verdicts }) => ({
      scope,
      observed,
      verdicts: verdicts.map(({ about, value, allowed, rule }) => ({
        about,
        value,
        allowed,
        rule: rule ?? "",
      })),
    })),
    providers: providers.map((each) => ({ ...each })),
    limits: limits.map(printedLimit),
  };
}

function printedRefusal(refusal: Refusal | null) {
  return refusal === null
    ? null
    : { code: refusal.code, message: refusal.message, by: refusal.by ?? null };
}

function printedLimit({ scope, unit, per, limit, used, resetsMs }: WhyLimit) {
  const amount = (value: bigint) =>
    unit === "usd" || unit === "cost" ? formatUsd(nanoUsd(value)) : String(value);
  return {
    scope: { type: scope.type, id: scope.id },
    unit,
    per,
    limit: amount(limit),
    used: used === null ? null : amount(used),
    resets: resetsMs === null ? null : formatTime(resetsMs),
  };
}
