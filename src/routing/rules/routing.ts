/** Compiles the routing rules of a configuration, and decides by them which targets a request has. */
import type { Config } from "../../config/config.ts";
import { invariant } from "../../core/invariant.ts";
import { rowOf } from "../../providers/catalogue.ts";
import { type CelFacts, celFacts } from "./cel.ts";
import type { Decision, Fallbacks } from "./decision.ts";
import { compileExpression, type Expression } from "./expression.ts";
import { type FactContext, factContext, type RequestFacts, shownFacts } from "./facts.ts";
import { type Memo, memoFor } from "./memo.ts";
import type { Precheck } from "./precheck.ts";
import { type Rule, ruleOf } from "./rule.ts";
import { type CapabilitiesOf, fallbackTargets, targetsOf } from "./targets.ts";
import { zoneTime } from "./zone-time.ts";

/** A rule's expression failed on a request; `count` is how often it has since the rules were compiled. */
export interface RuleFailure {
  readonly rule: string;
  readonly message: string;
  /** From 1: log the first. */
  readonly count: number;
}

export interface RuleOutcome {
  readonly rule: string;
  /** `not_reached`: a rule before it took the request. */
  readonly outcome: "taken" | "skipped" | "failed" | "not_reached";
  readonly why: string;
}

export interface Explanation {
  readonly decision: Decision;
  /** One for each rule, in the file's order. */
  readonly rules: readonly RuleOutcome[];
  /** What the rules saw, by the names of the table of facts. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

export interface Routing {
  /** Facts that some rule mentions, by the names of the table of facts. */
  readonly mentions: ReadonlySet<string>;
  /**
   * The first rule that holds and leaves a target that the key may use; else the key's own providers.
   * Never fails: a rule whose expression fails on this request is skipped.
   */
  readonly decide: (facts: RequestFacts) => Decision;
  /** The same decision, with what became of every rule; counts no failures. */
  readonly explain: (facts: RequestFacts) => Explanation;
}

/** What routing reads of a configuration. */
export type RoutingSource = Pick<Config, "routing" | "providers" | "timeZone">;

interface CompiledRule extends Rule {
  readonly compiled: readonly Expression[];
  /** Of all expressions. */
  readonly prechecks: readonly Precheck[];
  /** Of each expression; null where its answers cannot be remembered. */
  readonly memos: readonly (Memo | null)[];
  failures: number;
}

const NO_FALLBACKS: Fallbacks = { contextLength: [], contentPolicy: [] };
const NO_RULE = "no rule took it: the key's own providers, in their order";

/**
 * Compiles the rules of a faultless configuration.
 *
 * @param ruleFailed Told of every failure of an expression on a request.
 * @throws InvariantBroken where an expression has a fault, which loading would have told.
 */
export function compileRouting(
  config: RoutingSource,
  ruleFailed: (failure: RuleFailure) => void = () => undefined,
): Routing {
  const ids = config.providers.map(({ id }) => id);
  const kinds = new Map<string, string>(config.providers.map(({ id, kind }) => [id, kind]));
  const cel = celFacts(ids);
  const rules = config.routing.rules.map((rule) => compileRule(ruleOf(rule), cel, ids));
  const time = zoneTime(config.timeZone);
  const engine: Engine = {
    rules,
    variablesOf: cel.variablesOf,
    capabilitiesOf: (provider) => rowOf(kinds.get(provider) ?? "")?.can ?? null,
    onUnsupported: config.routing.onUnsupported,
    ruleFailed,
  };
  return {
    mentions: new Set(rules.flatMap(({ compiled }) => compiled.flatMap(mentionedBy))),
    decide: (facts) => decide(engine, factContext(facts, time)),
    explain: (facts) => explain(engine, factContext(facts, time)),
  };
}

interface Engine {
  readonly rules: readonly CompiledRule[];
  readonly variablesOf: CelFacts["variablesOf"];
  readonly capabilitiesOf: CapabilitiesOf;
  readonly onUnsupported: Decision["onUnsupported"];
  readonly ruleFailed: (failure: RuleFailure) => void;
}

function mentionedBy({ mentions }: Expression): string[] {
  return [...mentions];
}

function compileRule(rule: Rule, cel: CelFacts, providerIds: readonly string[]): CompiledRule {
  const compiled = rule.expressions.map((text) => {
    const result = compileExpression(text, cel, providerIds);
    invariant(result.ok, "an expression of a faultless configuration compiles");
    return result.expression;
  });
  return {
    ...rule,
    compiled,
    prechecks: compiled.flatMap(({ precheck }) => precheck ?? []),
    memos: compiled.map(memoFor),
    failures: 0,
  };
}

function decide(engine: Engine, context: FactContext): Decision {
  const trial: Trial = { engine, context, variables: null };
  for (const rule of engine.rules) {
    if (!passes(rule.prechecks, context) || !holds(rule, trial)) continue;
    const groups = targetsOf(rule, context.facts, engine.capabilitiesOf);
    if (groups.length > 0) return decisionOf(rule, groups, context.facts);
  }
  return ownProviders(engine, context.facts);
}

interface Trial {
  readonly engine: Engine;
  readonly context: FactContext;
  /** Null until an expression is asked. */
  variables: Record<string, unknown> | null;
}

function holds(rule: CompiledRule, trial: Trial): boolean {
  for (const [index, expression] of rule.compiled.entries()) {
    const evaluate = () =>
      expression.evaluate((trial.variables ??= trial.engine.variablesOf(trial.context)));
    const held = rule.memos[index]?.answer(trial.context, evaluate) ?? evaluate();
    if (held === true) continue;
    if (held !== false) fail(trial.engine, rule, held.failed);
    return false;
  }
  return true;
}

function fail(engine: Engine, rule: CompiledRule, message: string): void {
  rule.failures += 1;
  engine.ruleFailed({ rule: rule.id, message, count: rule.failures });
}

function passes(prechecks: readonly Precheck[], context: FactContext): boolean {
  for (const check of prechecks) if (!check(context)) return false;
  return true;
}

function decisionOf(rule: Rule, groups: Decision["groups"], facts: RequestFacts): Decision {
  const { id, onUnsupported, fallbacks, why } = rule;
  const hasNone = fallbacks.contextLength.length + fallbacks.contentPolicy.length === 0;
  return {
    rule: id,
    groups,
    onUnsupported,
    fallbacks: hasNone
      ? NO_FALLBACKS
      : {
          contextLength: fallbackTargets(fallbacks.contextLength, facts),
          contentPolicy: fallbackTargets(fallbacks.contentPolicy, facts),
        },
    why,
  };
}

function ownProviders({ onUnsupported }: Engine, facts: RequestFacts): Decision {
  const groups = facts.providers
    .filter((provider) => facts.allows(provider, facts.model))
    .map((provider) => [{ provider, model: null, weight: 1 }]);
  return { rule: null, groups, onUnsupported, fallbacks: NO_FALLBACKS, why: NO_RULE };
}

function explain(engine: Engine, context: FactContext): Explanation {
  const outcomes: RuleOutcome[] = [];
  let decision: Decision | null = null;
  const variables = engine.variablesOf(context);
  for (const rule of engine.rules) {
    const tried: Tried =
      decision === null
        ? tryRule(rule, { engine, context, variables })
        : notReached(rule, decision);
    outcomes.push(tried.outcome);
    decision ??= tried.decision;
  }
  return {
    decision: decision ?? ownProviders(engine, context.facts),
    rules: outcomes,
    facts: shownFacts(context),
  };
}

interface Tried {
  readonly outcome: RuleOutcome;
  readonly decision: Decision | null;
}

function notReached({ id }: Rule, { rule }: Decision): Tried {
  const why = `rule ${rule} before it took the request`;
  return { outcome: { rule: id, outcome: "not_reached", why }, decision: null };
}

function tryRule(
  rule: CompiledRule,
  of: {
    readonly engine: Engine;
    readonly context: FactContext;
    readonly variables: Record<string, unknown>;
  },
): Tried {
  const { engine, context, variables } = of;
  const untaken = (outcome: "skipped" | "failed", why: string): Tried => ({
    outcome: { rule: rule.id, outcome, why },
    decision: null,
  });
  for (const { text, precheck, evaluate } of rule.compiled) {
    const held = precheck?.(context) !== false && evaluate(variables);
    if (held === false) return untaken("skipped", `it does not hold: ${text.trim()}`);
    if (held !== true) return untaken("failed", `${held.failed}: ${text.trim()}`);
  }
  const groups = targetsOf(rule, context.facts, engine.capabilitiesOf);
  if (groups.length === 0) return untaken("skipped", noTarget(rule, context.facts));
  const decision = decisionOf(rule, groups, context.facts);
  return { outcome: { rule: rule.id, outcome: "taken", why: rule.why }, decision };
}

function noTarget(rule: Rule, { model, virtualKey }: RequestFacts): string {
  const mapped = rule.mapped(model);
  if (rule.needsMapping && (mapped === null || mapped === model))
    return `it holds, but its models do not change ${model}`;
  return `it holds, but leaves no target that key ${virtualKey} may use`;
}
