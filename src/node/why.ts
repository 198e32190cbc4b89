/** Explains what would become of a request that nobody sends, by the rules of its scopes in force. */
import type { RouteExplanation, RouteQuestion } from "../control/ports.ts";
import type {
  WhyLevel,
  WhyLimit,
  WhyProvider,
  WhyQuestion,
  WhyReport,
} from "../control/why-report.ts";
import type { AccessListName } from "../config/access-config.ts";
import type { VirtualKeyId } from "../core/ids.ts";
import { firstRefusal, type Refusal } from "../core/refusal.ts";
import type { Scope } from "../core/span.ts";
import { paperRefusal } from "../gateway/access.ts";
import { candidateOf } from "../gateway/candidates.ts";
import type { Ruling } from "../gateway/ports.ts";
import { noneUsable, targetDenial } from "../gateway/route.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { perText } from "../ledger/meter.ts";
import type { Meter } from "../ledger/state.ts";
import { type AccessLevel, type AccessRules, nameOf } from "../policy/access/chain.ts";
import {
  type Asked,
  objectionTo,
  objectionToValue,
  verdictOnTime,
  verdictOnValue,
} from "../policy/access/judge.ts";
import { refusalBy } from "../policy/access/refuse.ts";
import type { Plan, PlanProvider } from "../policy/plan.ts";

interface WhyOptions {
  readonly ruling: () => Ruling;
  readonly explainRoute: (question: RouteQuestion) => RouteExplanation | null;
  readonly ledger: Pick<Ledger, "windowAt">;
  /** The ledger's time. */
  readonly nowMs: () => number;
}

/** Answers by what is in force; null for a key that there is not. */
export function createWhy(options: WhyOptions): (question: WhyQuestion) => WhyReport | null {
  return (question) => {
    const ruling = options.ruling();
    const plan = ruling.policy.plans.get(question.virtualKey as VirtualKeyId);
    const explained = options.explainRoute(routeQuestion(question));
    if (plan === undefined || explained === null) return null;
    const { rule, why } = explained.decision;
    const told = toldOf({ question, plan, ruling, isRuled: rule !== null });
    return {
      ...told,
      route: { rule, why },
      levels: levelsOf(plan, question),
      providers: providersOf(plan, question),
      limits: limitsOf(plan, options),
    };
  };
}

interface Case {
  readonly question: WhyQuestion;
  readonly plan: Plan;
  readonly ruling: Ruling;
  /** A routing rule has found targets for it. */
  readonly isRuled: boolean;
}

function toldOf(of: Case): Pick<WhyReport, "refusal" | "onPaper"> {
  const { question, plan, ruling } = of;
  const asked = askedBy(question);
  const real = firstRefusal(
    targetTold(of),
    ruleRefusal(plan.access?.enforced ?? null, asked, plan),
  );
  const onPaper = firstRefusal(
    paperRefusal(plan, () => paperTargets(plan, question)),
    ruleRefusal(plan.access?.observed ?? null, asked, plan),
  );
  if (ruling.policy.mode === "enforce") return { refusal: real, onPaper };
  // All is on paper then, what a key says of its providers too.
  const stays = real?.code === "no_provider_available";
  return { refusal: stays ? real : null, onPaper: stays ? onPaper : firstRefusal(real, onPaper) };
}

/** Why there is no target; null where there is one. */
function targetTold({ question, plan, ruling, isRuled }: Case): Refusal | null {
  const { model, provider } = question;
  if (provider !== null) {
    const barred = plan.barred.find(({ use }) => use.provider.id === provider);
    if (barred !== undefined) return refusalBy(barred.objection, plan.virtualKey);
    const own = plan.providers.filter((use) => use.provider.id === provider);
    const there = { ...plan, providers: own, barred: [] };
    return targetDenial({ ruling, plan: there, model }) ?? unserved(there, model);
  }
  if (isRuled) return null;
  return targetDenial({ ruling, plan, model }) ?? unserved(plan, model);
}

function unserved(plan: Plan, model: string): Refusal | null {
  const isServed = plan.providers.some((use) => candidateOf(use, model) !== null);
  return isServed ? null : noneUsable(plan, model);
}

function paperTargets({ providers }: Plan, { model, provider }: WhyQuestion) {
  const ids = providers
    .filter((use) => isServing(use, model))
    .map((use) => use.provider.id)
    .filter((id) => provider === null || id === provider);
  return ids.map((id) => ({ provider: id, model }));
}

function isServing(use: PlanProvider, model: string): boolean {
  return use.allows(model) && candidateOf(use, model) !== null;
}

function ruleRefusal(rules: AccessRules | null, asked: Asked, plan: Plan): Refusal | null {
  const objection = rules === null ? null : objectionTo(rules, asked);
  return objection === null ? null : refusalBy(objection, plan.virtualKey);
}

/** What is known of the request, list by list. */
function askedValues(question: WhyQuestion): readonly (readonly [AccessListName, string[]])[] {
  const { provider, taskType, address, betas, tools, headers } = question;
  const some = (value: string | null) => (value === null ? [] : [value]);
  return [
    ["providers", some(provider)],
    ["server_tools", [...tools]],
    ["networks", some(address)],
    ["dialects", ["anthropic"]],
    ["task_types", some(taskType)],
    ["betas", [...betas]],
    ["headers", [...headers]],
  ];
}

/** Models and providers are asked of the targets. */
function askedBy(question: WhyQuestion): Asked {
  const values = askedValues(question)
    .filter(([name]) => name !== "providers")
    .map(([name, list]) => [name, () => list] as const);
  return { values: Object.fromEntries(values), hidden: [], atMs: question.atMs };
}

function levelsOf({ access, levels }: Plan, question: WhyQuestion): WhyLevel[] {
  const speaking = new Map((access?.levels ?? []).map((level) => [nameOf(level), level]));
  const names = ["gateway", ...levels.map(nameOf)];
  return names.map((name) => {
    const level = speaking.get(name);
    const verdicts = level === undefined ? [] : verdictsOf(level, question);
    return { scope: name, observed: level?.observed ?? false, verdicts };
  });
}

function verdictsOf(level: AccessLevel, question: WhyQuestion): WhyLevel["verdicts"] {
  const asked = [["models", [question.model]] as const, ...askedValues(question)];
  const verdicts = asked.flatMap(([about, values]) =>
    values.map((value) => ({ about, ...verdictOnValue(level, about, value) })),
  );
  const time = { about: "hours", ...verdictOnTime(level, question.atMs) };
  // About most things most scopes say nothing.
  return [...verdicts, time].filter(({ rule }) => rule !== null);
}

function providersOf(plan: Plan, { model, provider }: WhyQuestion): WhyProvider[] {
  const toModel = plan.access?.enforced
    ? objectionToValue(plan.access.enforced, "models", model)
    : null;
  const left = plan.providers.map((use) => {
    const why = whyNot(use, model, toModel?.rule ?? null);
    return { id: use.provider.id, usable: why === null, why };
  });
  const barred = plan.barred.map(({ use, objection }) => ({
    id: use.provider.id,
    usable: false,
    why: objection.rule,
  }));
  return [...left, ...barred].filter(({ id }) => provider === null || id === provider);
}

function whyNot(use: PlanProvider, model: string, rule: string | null): string | null {
  if (rule !== null) return rule;
  if (!use.allows(model)) return "the key's own entry for it does not name the model";
  return candidateOf(use, model) === null ? "it does not serve the model" : null;
}

function limitsOf(plan: Plan, { ledger, nowMs }: WhyOptions): WhyLimit[] {
  const meters = [...plan.meters, ...plan.providers.flatMap((use) => use.meters)];
  return meters.flatMap((meter) => {
    const { scope, unit, span, cap } = meter;
    if (cap === null || !isOfChain(scope)) return [];
    const limit = { scope, unit, per: perText(span), limit: cap };
    return [{ ...limit, ...stateOf(meter, { ledger, nowMs: nowMs() }) }];
  });
}

function isOfChain(scope: Meter["scope"]): scope is Scope {
  return scope.type !== "provider_key";
}

function stateOf(
  meter: Meter,
  { ledger, nowMs }: { readonly ledger: WhyOptions["ledger"]; readonly nowMs: number },
): Pick<WhyLimit, "used" | "resetsMs"> {
  if (meter.span?.kind === "session") return { used: null, resetsMs: null };
  const { settled, held, endMs } = ledger.windowAt(meter, nowMs, null);
  return { used: settled + held, resetsMs: endMs };
}

/** The request as routing rules see one of which only so much is known. */
function routeQuestion({ virtualKey, model, taskType, atMs }: WhyQuestion): RouteQuestion {
  return {
    virtualKey,
    model,
    task: taskType ?? "main",
    inputBytes: 50_000,
    toolCount: 12,
    thinking: true,
    stream: true,
    maxTokens: null,
    agentDepth: 0,
    labels: {},
    atMs,
  };
}
