/** Faults of levers: models that nobody knows, maps that go on or nowhere, and levers that cancel each other. */
import { createPriceBook } from "../pricing/price-book.ts";
import { matchesGlob } from "../providers/glob.ts";
import type { Checking } from "./check.ts";
import { type Draft, itemsOf } from "./draft.ts";
import type { Path } from "./fault.ts";
import type { LeversInput } from "./levers-schema.ts";
import { checkExpression, providerIds } from "./routing-check.ts";
import { shown } from "./secrecy.ts";

type LeversDraft = Draft<LeversInput>;

interface Known {
  readonly has: (model: string) => boolean;
  /** For proposals. */
  readonly names: readonly string[];
}

/** A beta of the long context, as clients send it. */
const LONG_CONTEXT_BETA = "context-1m-2025-08-07";

export function checkLevers(checking: Checking): void {
  const { draft } = checking;
  let known: Known | null = null;
  const check = (path: Path, levers: LeversDraft | undefined): void => {
    if (levers === undefined) return;
    known ??= knownModels(draft);
    checkOne(checking, known, { path, levers });
  };
  check(["levers"], draft.levers);
  for (const name of ["customers", "teams", "owners", "virtual_keys"] as const) {
    for (const [index, entity] of itemsOf<{ readonly levers?: LeversDraft | undefined }>(
      draft[name],
    ))
      check([name, index, "levers"], entity.levers);
  }
  const ids = providerIds(draft);
  const seen = new Map<string, number>();
  for (const [index, rule] of itemsOf(draft.lever_rules)) {
    const path = ["lever_rules", index];
    const first = rule.id === undefined ? undefined : seen.get(rule.id);
    if (first !== undefined) {
      const line = checking.lineOf(["lever_rules", first, "id"]);
      const message = `duplicate id ${shown(rule.id)}: give this rule another, the first is at line ${line}`;
      checking.report([...path, "id"], message);
    } else if (rule.id !== undefined) seen.set(rule.id, index);
    checkExpression(checking, ids, { path: [...path, "when"], when: rule.when });
    check([...path, "levers"], rule.levers);
  }
}

interface Place {
  readonly path: Path;
  readonly levers: LeversDraft;
}

function checkOne(checking: Checking, known: Known, { path, levers }: Place): void {
  const { report } = checking;
  for (const name of ["background_model", "subagent_model"] as const) {
    const model = levers[name];
    if (model !== undefined) checkModel(checking, known, { path: [...path, name], model });
  }
  checkMap(checking, known, { path: [...path, "models"], levers });
  const { thinking_budget_max: budget, max_tokens: maxTokens } = levers;
  if (budget !== undefined && maxTokens !== undefined && budget >= maxTokens)
    report(
      [...path, "thinking_budget_max"],
      `${budget} is no less than max_tokens ${maxTokens}: thinking has to leave room for an answer`,
    );
  if (levers.long_context === "refuse") checkLongContext(checking, { path, levers });
  // A field that is there but undefined has a fault of its own.
  if (Object.values(levers).every(isEmpty))
    report(path, "changes nothing: add a lever, such as max_tokens: 32000, or leave it out");
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function checkLongContext({ report }: Checking, { path, levers }: Place): void {
  for (const [index, beta] of (levers.strip_betas ?? []).entries()) {
    if (beta === undefined || !matchesGlob(beta, LONG_CONTEXT_BETA)) continue;
    const message = `${shown(beta)} takes out what long_context: refuse looks at: keep one of the two`;
    report([...path, "strip_betas", index], message);
  }
}

/** One step has to end at a model that stays as it is: else a request that is sent twice would wander. */
function checkMap(checking: Checking, known: Known, { path, levers }: Place): void {
  const entries = Object.entries(levers.models ?? {});
  for (const [from, to] of entries) {
    if (to === undefined) continue;
    if (!checkModel(checking, known, { path: [...path, from], model: to })) continue;
    const next = entries.find(([glob]) => matchesGlob(glob, to))?.[1] ?? to;
    if (next !== to)
      checking.report(
        [...path, from],
        `leads to ${shown(to)}, which itself becomes ${shown(next)}: write ${shown(next)} here`,
      );
  }
}

function checkModel(
  { report, suggester }: Checking,
  known: Known,
  { path, model }: { readonly path: Path; readonly model: string },
): boolean {
  if (known.has(model)) return true;
  const remedy = suggester.remedy(model, known.names) || "add its price under prices";
  report(path, `no provider here has a model ${shown(model)} with a price: ${remedy}`);
  return false;
}

/** Models with a price at one of the file's providers, and those that it prices or maps itself. */
function knownModels({ providers, prices }: Checking["draft"]): Known {
  const book = createPriceBook([]);
  const kinds = new Set<string>();
  const mapped: string[] = [];
  for (const [, { kind, models }] of itemsOf(providers)) {
    if (kind !== undefined) kinds.add(kind);
    mapped.push(...Object.keys(models ?? {}));
  }
  const priced = [...itemsOf(prices)].flatMap(([, { model }]) =>
    model === undefined ? [] : [model, model.slice(model.indexOf("/") + 1)],
  );
  const has = (model: string): boolean =>
    book.known(model) ||
    [...kinds].some((kind) => book.known(model, kind)) ||
    priced.includes(model) ||
    mapped.some((glob) => matchesGlob(glob, model));
  const names = [...book.wireIds(), ...[...kinds].flatMap((kind) => book.wireIds(kind)), ...priced];
  return { has, names: [...new Set(names)] };
}
