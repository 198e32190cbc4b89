/** Compiles lever rules, and tells which levers a request has by those that hold. */
import type { Config } from "../../config/config.ts";
import { invariant } from "../../core/invariant.ts";
import { joinLevers, leversBy, type Levers } from "../../policy/levers/levers.ts";
import { celFacts } from "./cel.ts";
import { compileExpression, type Expression } from "./expression.ts";
import { factContext, type FactContext, type RequestFacts } from "./facts.ts";
import { memoFor, type Memo } from "./memo.ts";
import type { RuleFailure } from "./routing.ts";
import { zoneTime } from "./zone-time.ts";

export interface LeverRules {
  /** Nothing needs to be asked. */
  readonly isEmpty: boolean;
  /** Levers of all rules that hold, the first one innermost; null where none holds. Never fails. */
  readonly leversFor: (facts: RequestFacts) => Levers | null;
}

interface CompiledRule {
  readonly id: string;
  readonly expression: Expression;
  readonly memo: Memo | null;
  readonly levers: Levers;
  failures: number;
}

/**
 * Compiles the rules of a faultless configuration.
 *
 * @param ruleFailed Told of every failure of an expression on a request; that rule is passed over.
 * @throws InvariantBroken where an expression has a fault, which loading would have told.
 */
export function compileLeverRules(
  config: Pick<Config, "leverRules" | "providers" | "timeZone">,
  ruleFailed: (failure: RuleFailure) => void = () => undefined,
): LeverRules {
  if (config.leverRules.length === 0) return NO_LEVER_RULES;
  const ids = config.providers.map(({ id }) => id);
  const cel = celFacts(ids);
  const time = zoneTime(config.timeZone);
  const rules = config.leverRules.map(({ id, when, levers }): CompiledRule => {
    const compiled = compileExpression(when, cel, ids);
    invariant(compiled.ok, "an expression of a faultless configuration compiles");
    const { expression } = compiled;
    const own = leversBy(levers, `rule/${id}`);
    return { id, expression, memo: memoFor(expression), levers: own, failures: 0 };
  });
  const holds = (rule: CompiledRule, context: FactContext): boolean => {
    const { expression, memo } = rule;
    if (expression.precheck?.(context) === false) return false;
    const evaluate = () => expression.evaluate(cel.variablesOf(context));
    const held = memo?.answer(context, evaluate) ?? evaluate();
    if (typeof held === "boolean") return held;
    rule.failures += 1;
    ruleFailed({ rule: rule.id, message: held.failed, count: rule.failures });
    return false;
  };
  return {
    isEmpty: false,
    leversFor: (facts) => {
      const context = factContext(facts, time);
      let joined: Levers | null = null;
      for (const rule of rules)
        if (holds(rule, context))
          joined = joined === null ? rule.levers : joinLevers(rule.levers, joined);
      return joined;
    },
  };
}

const NO_LEVER_RULES: LeverRules = { isEmpty: true, leversFor: () => null };
