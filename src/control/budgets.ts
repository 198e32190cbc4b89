/** `GET /api/v1/budgets`: every open window of every budget, and what is left in it. */
import { z } from "zod";
import { formatUsd, nanoUsd } from "../core/money.ts";
import { SCOPE_TYPES, type Scope } from "../core/span.ts";
import { formatTime } from "../core/time.ts";
import { listOf, timeField, usdField } from "./answer-fields.ts";
import { pageOf } from "./page.ts";
import { choice, filterBy, paging } from "./parameters.ts";
import type { BudgetView, ControlPorts } from "./ports.ts";
import { route, type Route } from "./route.ts";

const scopeSchema = z.strictObject({ type: z.enum(SCOPE_TYPES), id: z.string() });

const budgetSchema = z
  .strictObject({
    id: z.string().describe("Of the window; the next window has another."),
    scope: scopeSchema.describe("A provider config's id is key/provider; a session's is its own."),
    parent: scopeSchema.nullable().describe("A session's window: the scope that has the budget."),
    virtual_key: z.string().nullable().describe("A session's window: whose session it is."),
    limit_usd: usdField,
    per: z.string().describe("second … month, total, session, or a rolling span such as 5h."),
    time_zone: z.string().nullable().describe("Of a calendar window."),
    overshoot: z.enum(["none", "last_request"]),
    window: z.strictObject({ start: timeField.nullable(), end: timeField.nullable() }),
    settled_usd: usdField,
    held_usd: usdField,
    remaining_usd: usdField.describe("Cap − settled − held."),
    utilization: z.number().nullable().describe("Settled ÷ cap; null for a cap of 0."),
  })
  .meta({ id: "Budget" });

const query = z.strictObject({
  ...paging,
  scope_type: choice(SCOPE_TYPES).optional().describe("Only those of scopes of this type."),
  scope_id: filterBy("scope's id"),
});

export function budgetRoutes(ports: Pick<ControlPorts, "budgets">): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/v1/budgets",
      operation: "listBudgets",
      tag: "budgets",
      summary: "Open windows of all budgets, the outermost scope first",
      query,
      status: 200,
      answer: listOf(budgetSchema),
      handle: ({ query: asked }) => {
        const views = ports.budgets().filter((view) => isAsked(view.scope, asked));
        const page = pageOf(views, budgetOrder, asked);
        return { body: { ...page, data: page.data.map(printBudget) } };
      },
    }),
  ];
}

function isAsked(scope: Scope, asked: z.output<typeof query>): boolean {
  if (asked.scope_type !== undefined && asked.scope_type !== scope.type) return false;
  return asked.scope_id === undefined || asked.scope_id === scope.id;
}

/** Sorts by scope, the outermost first; the window's key makes it unique. */
export function budgetOrder({ scope, id }: BudgetView): string {
  return `${SCOPE_TYPES.indexOf(scope.type)} ${scope.id} ${id}`;
}

function printBudget(view: BudgetView): z.infer<typeof budgetSchema> {
  const { limit, settled, held } = view;
  return {
    id: view.id,
    scope: view.scope,
    parent: view.parent,
    virtual_key: view.virtualKey,
    limit_usd: usd(limit),
    per: view.per,
    time_zone: view.timeZone,
    overshoot: view.overshoot,
    window: { start: time(view.startMs), end: time(view.endMs) },
    settled_usd: usd(settled),
    held_usd: usd(held),
    remaining_usd: usd(limit - settled - held),
    utilization: limit === 0n ? null : Number((settled * 10_000n) / limit) / 10_000,
  };
}

function usd(nano: bigint): string {
  return formatUsd(nanoUsd(nano));
}

function time(timeMs: number | null): string | null {
  return timeMs === null ? null : formatTime(timeMs);
}
