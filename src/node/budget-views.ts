/** The ledger's open money windows, as API and metrics show them. */
import type { BudgetView } from "../control/ports.ts";
import { invariant } from "../core/invariant.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { isOfSessions, perText, scopeOf } from "../ledger/meter.ts";
import type { Meter, Window } from "../ledger/state.ts";

/** One view for each open window of each budget in force, and for ended ones with holds in flight. */
export function budgetViews(ledger: Ledger, nowMs: number): BudgetView[] {
  const shown = new Set<Window>();
  for (const meter of ledger.meters())
    if (isBudget(meter) && !isOfSessions(meter)) shown.add(ledger.windowAt(meter, nowMs, null));
  for (const window of ledger.windows())
    if (isBudget(window.meter) && (window.session !== null || window.inFlight > 0))
      shown.add(window);
  return [...shown].map(viewOf);
}

function isBudget(meter: Meter): boolean {
  return meter.unit === "usd" && meter.cap !== null;
}

function viewOf(window: Window): BudgetView {
  const { meter, session } = window;
  const { scope } = meter;
  invariant(scope.type !== "provider_key", "the account behind a provider's key has no budget");
  return {
    id: window.key,
    scope: session === null ? scope : scopeOf(session),
    parent: session === null ? null : scope,
    virtualKey: session?.virtualKey ?? null,
    per: perText(meter.span),
    timeZone: meter.span?.kind === "calendar" ? meter.span.timeZone : null,
    overshoot: meter.overshoot,
    startMs: window.startMs,
    endMs: window.endMs,
    limit: meter.cap ?? 0n,
    settled: window.settled,
    held: window.held,
  };
}
