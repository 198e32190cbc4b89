/** How full the budgets above a key are: what rules step down by. */
import type { Ledger } from "../ledger/ledger.ts";
import { isOfAgents, isOfSessions } from "../ledger/meter.ts";
import type { Plan } from "./plan.ts";

/** Settled and held shares of each level's fullest budget, 0 to 1 and above; 0 where it has none. */
export interface BudgetShares {
  readonly customer: number;
  readonly team: number;
  readonly owner: number;
  readonly virtual_key: number;
  /** The fullest of all. */
  readonly max: number;
}

/**
 * The plan's budgets as they are at `nowMs` (the ledger's time).
 *
 * @param session Name of the session's window; null leaves budgets of sessions out.
 */
export function utilisationOf(
  plan: Pick<Plan, "meters" | "virtualKey">,
  ledger: Pick<Ledger, "windowAt">,
  { nowMs, session }: { readonly nowMs: number; readonly session: string | null },
): BudgetShares {
  const shares = { customer: 0, team: 0, owner: 0, virtual_key: 0, max: 0 };
  const name = session === null ? null : { virtualKey: plan.virtualKey, name: session };
  for (const meter of plan.meters) {
    const { type } = meter.scope;
    if (meter.unit !== "usd" || meter.cap === null || !isLevel(type)) continue;
    if (isOfAgents(meter) || (isOfSessions(meter) && name === null)) continue;
    const { settled, held } = ledger.windowAt(meter, nowMs, name);
    const share = shareOf(settled + held, meter.cap);
    shares[type] = Math.max(shares[type], share);
    shares.max = Math.max(shares.max, share);
  }
  return shares;
}

function isLevel(type: string): type is Exclude<keyof BudgetShares, "max"> {
  return type === "customer" || type === "team" || type === "owner" || type === "virtual_key";
}

/** A budget of nothing is full. */
function shareOf(used: bigint, cap: bigint): number {
  return cap <= 0n ? 1 : Number(used) / Number(cap);
}
