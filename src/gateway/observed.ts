/** Where a refusal is only noted: the scope whose rule says no, or one above it, is in shadow. */
import type { Refusal } from "../core/refusal.ts";
import type { Plan, Policy } from "../policy/plan.ts";
import type { Exchange } from "./exchange.ts";

/** Whether the whole gateway is in shadow: no rule of any scope is applied. */
export function isAllObserved({ ruling }: Pick<Exchange, "ruling">): boolean {
  return ruling.policy.mode === "observe";
}

/**
 * Whether the request goes through all the same. A refusal that is by no scope stands, unless the whole
 * gateway observes.
 */
export function waives(policy: Policy, plan: Plan, { by }: Refusal): boolean {
  if (policy.mode === "observe") return true;
  if (!plan.observes || by === undefined) return false;
  const { levels } = plan;
  const at = levels.findIndex(({ scope }) => `${scope.type}/${scope.id}` === by);
  // Sessions and a key's own providers are below the key, and so below all levels.
  const above = at < 0 ? levels : levels.slice(0, at + 1);
  return above.some(({ governance }) => governance.mode === "observe");
}
