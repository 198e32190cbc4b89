/** Takes away what the scopes of a chain do not allow of a key's providers and models. */
import type { PlanProvider } from "../plan.ts";
import type { AccessChain } from "./chain.ts";
import { objectionToValue, type Objection } from "./judge.ts";

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
/** Clients choose the model's name: what is remembered must not grow with their fantasy. */
const REMEMBERED_MAX = 1_000;

/** The key's own providers as its scopes leave them; levels that only observe take nothing away. */
export function narrowed(own: readonly PlanProvider[], chain: AccessChain | null): Narrowed {
  const rules = chain?.enforced ?? null;
  if (chain === null || rules === null) return { providers: own, barred: NONE };
  const models = rules.lists.models === undefined ? null : modelsOf(chain);
  const uses = models === null ? own : own.map((use) => withModels(use, models));
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

function withModels(use: PlanProvider, models: (model: string) => boolean): PlanProvider {
  const { allows } = use;
  return { ...use, allows: (model) => allows(model) && models(model) };
}

const verdicts = new WeakMap<AccessChain, (model: string) => boolean>();

/** Of the chain, so that all its keys share what was found. */
function modelsOf(chain: AccessChain): (model: string) => boolean {
  const before = verdicts.get(chain);
  if (before !== undefined) return before;
  const known = new Map<string, boolean>();
  const allows = (model: string): boolean => {
    const found = known.get(model);
    if (found !== undefined) return found;
    const { enforced } = chain;
    const allowed = enforced === null || objectionToValue(enforced, "models", model) === null;
    if (known.size < REMEMBERED_MAX) known.set(model, allowed);
    return allowed;
  };
  verdicts.set(chain, allows);
  return allows;
}
