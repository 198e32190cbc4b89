/** Faults of routing rules: unknown providers, fields that do not go together, faulty expressions. */
import type { Checking } from "./check.ts";
import { type Draft, isWritten, itemsOf } from "./draft.ts";
import type { Path } from "./fault.ts";
import { POLICY_FIELDS, type PolicyKind } from "./routing-config.ts";
import type { ConfigInput } from "./schema.ts";
import { looksSecret, shown } from "./secrecy.ts";

/** What is wrong with an expression of a rule. */
export interface ExpressionFault {
  /** In UTF-16 code units from the expression's start. */
  readonly offset: number;
  /** What is wrong; without a remedy where `near` may hold one. */
  readonly problem: string;
  /** A name that does not exist, and those that do. */
  readonly near: { readonly wrong: string; readonly valid: readonly string[] } | null;
}

/** The fault of a CEL expression over routing facts; null where it has none. */
export type ExpressionTrial = (
  expression: string,
  providerIds: readonly string[],
) => ExpressionFault | null;

type RuleDraft = Draft<NonNullable<NonNullable<ConfigInput["routing"]>["rules"]>[number]>;
type TargetDraft = Draft<{ provider?: string | undefined }>;

/** Fields that mean something under some policies only. */
const OF_POLICIES = [
  "targets",
  "models",
  "model",
  "min_depth",
  "above_percent",
  "level",
  "max_input_price",
  "max_output_price",
] as const;
/** Of these, what a rule without policy has. */
const OF_PLAIN_RULES: readonly string[] = ["targets", "models"];

const PROBLEM_CHARACTERS_MAX = 200;

export function checkRouting(checking: Checking): void {
  const { draft, report, lineOf } = checking;
  const ids = providerIds(draft);
  const seen = new Map<string, number>();
  for (const [index, rule] of itemsOf(draft.routing?.rules)) {
    const path = ["routing", "rules", index];
    const first = rule.id === undefined ? undefined : seen.get(rule.id);
    if (first !== undefined) {
      const line = lineOf(["routing", "rules", first, "id"]);
      const message = `duplicate id ${shown(rule.id)}: give this rule another, the first is at line ${line}`;
      report([...path, "id"], message);
    } else if (rule.id !== undefined) seen.set(rule.id, index);
    checkFields(checking, path, rule);
    checkTargets(checking, ids, { path: [...path, "targets"], list: rule.targets });
    for (const [kind, list] of Object.entries(rule.fallbacks ?? {}))
      checkTargets(checking, ids, { path: [...path, "fallbacks", kind], list });
    checkExpression(checking, ids, { path: [...path, "when"], when: rule.when });
  }
}

function checkFields({ report }: Checking, path: Path, rule: RuleDraft): void {
  const { policy } = rule;
  // A policy that is faulty itself has been told.
  if (policy === undefined && isWritten(rule, "policy")) return;
  const allowed: readonly string[] = policy === undefined ? OF_PLAIN_RULES : POLICY_FIELDS[policy];
  for (const field of OF_POLICIES) {
    if (isWritten(rule, field) && !allowed.includes(field))
      report([...path, field], `does not belong here: ${placeOf(field, policy)}`);
  }
  const missing = missingField(rule);
  if (missing !== null) report(path, missing);
}

function placeOf(field: string, policy: PolicyKind | undefined): string {
  if (policy !== undefined) {
    const takes = POLICY_FIELDS[policy].map((name) => shown(name)).join(", ");
    return `the policy ${policy} takes ${takes}`;
  }
  const policies = Object.entries<readonly string[]>(POLICY_FIELDS)
    .filter(([, fields]) => fields.includes(field))
    .map(([name]) => name);
  return `it is for the policy ${policies.join(" or ")}`;
}

function missingField(rule: RuleDraft): string | null {
  const { policy } = rule;
  const hasTargets = isWritten(rule, "targets") && rule.targets?.length !== 0;
  const hasModels = isWritten(rule, "models");
  if (policy === "weighted" && !hasTargets) return "weighted needs targets: add some with weights";
  if (policy === "price_ceiling") {
    const hasCeiling = isWritten(rule, "max_input_price") || isWritten(rule, "max_output_price");
    return hasCeiling
      ? null
      : "price_ceiling needs a price: add max_input_price or max_output_price";
  }
  if (policy !== undefined || hasTargets || hasModels) return null;
  if (isWritten(rule, "fallbacks") || isWritten(rule, "on_unsupported")) return null;
  return "changes nothing: add targets, models or a policy";
}

function checkTargets(
  { draft, suggester, report }: Checking,
  ids: readonly string[],
  of: { readonly path: Path; readonly list: readonly (TargetDraft | undefined)[] | undefined },
): void {
  if (draft.providers === undefined && isWritten(draft, "providers")) return;
  for (const [index, { provider }] of itemsOf(of.list)) {
    if (provider === undefined || ids.includes(provider)) continue;
    const remedy = suggester.remedy(provider, ids) || "add it under providers";
    const message = `no provider has the id ${shown(provider)}: ${remedy}`;
    report([...of.path, index, "provider"], message);
  }
}

/** Faults of one expression, which stands at `path`. */
export function checkExpression(
  { suggester, report, expressionTrial }: Checking,
  ids: readonly string[],
  { path, when }: { readonly path: Path; readonly when: string | undefined },
): void {
  if (when === undefined) return;
  const fault = expressionTrial(when, ids);
  if (fault === null) return;
  const { offset, problem, near } = fault;
  const place = `at ${placeIn(when, offset)} of the expression`;
  // Sentences about an expression repeat parts of it.
  if (looksSecret(problem)) return report(path, `${place} is a fault: correct it`);
  const remedy = near === null ? "" : suggester.remedy(near.wrong, near.valid);
  report(path, `${place}: ${cut(problem)}${remedy === "" ? "" : `: ${remedy}`}`);
}

function cut(sentence: string): string {
  const short = sentence.slice(0, PROBLEM_CHARACTERS_MAX);
  return short === sentence ? sentence : `${short}…`;
}

/** "character 5", or "line 2, character 5" where the expression has several lines. */
function placeIn(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  const character = `character ${(before.at(-1) ?? "").length + 1}`;
  return text.trimEnd().includes("\n") ? `line ${before.length}, ${character}` : character;
}

/** Of the providers that are there, for expressions. */
export function providerIds(draft: Checking["draft"]): string[] {
  return [...itemsOf(draft.providers)].flatMap(([, { id }]) => id ?? []);
}
