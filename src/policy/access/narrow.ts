/** Takes away what the scopes of a chain do not allow of a key's providers and models. */
import type { PlanProvider } from "../plan.ts";
import type { AccessChain, AccessRules } from "./chain.ts";
import { allowsValue, objectionToValue, type Objection } from "./judge.ts";

/** A provider of the key that a scope's rule takes away. */
export interface BarredProvider {
  readonly use: PlanProvider;
  readonly objection: Objection;
}

/** What is left, in the key's order, and what is not. */
export interface Narrowed {
  readonly providers: readonly PlanProvider[];
  readonly barred: readonly BarredProvider[];
}

const NONE: readonly BarredProvider[] = [];

/** The key's own providers as its scopes leave them; levels that only observe take nothing away. */
export function narrowed(own: readonly PlanProvider[], chain: AccessChain | null): Narrowed {
  const rules = chain?.enforced ?? null;
  if (rules === null) return { providers: own, barred: NONE };
  const uses = rules.lists.models === undefined ? own : own.map((use) => withModels(use, rules));
  if (rules.lists.providers === undefined) return { providers: uses, barred: NONE };
  const providers: PlanProvider[] = [];
  const barred: BarredProvider[] = [];
  for (const use of uses) {
    const objection = objectionToValue(rules, "providers", use.provider.id);
    if (objection === null) providers.push(use);
    else barred.push({ use, objection });
  }
  return { providers, barred };
}

function withModels(use: PlanProvider, rules: AccessRules): PlanProvider {
  const { allows } = use;
  return { ...use, allows: (model) => allows(model) && allowsValue(rules, "models", model) };
}
