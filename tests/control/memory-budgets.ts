/** Windows of budgets for tests of the control API. */
import type { BudgetView } from "../../src/control/ports.ts";

/** A month's window of the team; `change` replaces fields. */
export function budgetView(change: Partial<BudgetView> = {}): BudgetView {
  return {
    id: "team/platform|usd|month|UTC@2026-11-01T00:00:00.000Z",
    scope: { type: "team", id: "platform" },
    parent: null,
    virtualKey: null,
    per: "month",
    timeZone: "UTC",
    overshoot: "none",
    startMs: Date.UTC(2026, 10, 1),
    endMs: Date.UTC(2026, 11, 1),
    limit: 4_000_000_000_000n,
    settled: 1_000_000_001n,
    held: 500_000_000n,
    ...change,
  };
}
