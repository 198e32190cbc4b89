/** What levers make of one request: the edits of its body, the betas that stay, and what to say of it. */
import type { LeverChange, TaskType } from "../journal/record.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { editCacheTtls } from "../wire/anthropic/cache-ttl.ts";
import {
  editEffort,
  editThinkingBudget,
  effortOf,
  thinkingBudgetIn,
} from "../wire/anthropic/lever-edits.ts";
import { editMembers } from "../wire/anthropic/members.ts";
import { editMaxTokens, editMaxUses, editModel, type Edit } from "../wire/anthropic/splice.ts";
import { effortRank, type Levers, type Said } from "../policy/levers/levers.ts";

/** A request as it came. */
export interface Asked {
  readonly body: MessagesBody;
  /** The chunks of that body. */
  readonly chunks: readonly Buffer[];
  /** The values of `anthropic-beta`. */
  readonly betas: readonly string[];
  readonly taskType: TaskType;
  /** It comes from a subagent. */
  readonly isAgent: boolean;
  /** `count_tokens`: only its model and its betas matter. */
  readonly isCount: boolean;
  /** What a server tool without `max_uses` is given. */
  readonly maxUsesDefault: number;
}

export interface Rewriting {
  /** They do not overlap. */
  readonly edits: readonly Edit[];
  /** Null: all stay. */
  readonly betas: readonly string[] | null;
  readonly changes: readonly LeverChange[];
}

/** What is refused, and by whom. */
export interface Disallowed {
  readonly what: "long_context" | "fast_mode";
  readonly by: string;
}

const BACKGROUND: ReadonlySet<TaskType> = new Set(["title", "summary", "auxiliary"]);
const LONG_CONTEXT_SUFFIX = "[1m]";
const LONG_CONTEXT_BETA = /^context-1m-/;
const WEB_SEARCH = /^web_search_/;
/** The client chooses the words that rows and records repeat. */
const WORD_CHARACTERS_MAX = 128;

/** What of a request the levers refuse; null where they refuse nothing. A count is never refused. */
export function disallowed(levers: Levers, asked: Asked): Disallowed | null {
  const { body, betas, isCount } = asked;
  if (isCount) return null;
  const { longContext, fastMode } = levers;
  if (longContext !== null && asksLongContext(body.model, betas))
    return { what: "long_context", by: longContext.by };
  if (fastMode === null || !body.facts.fast) return null;
  // Fallback models may be fast on their own: there is no field to take out.
  const isStripped = fastMode.value === "strip" && body.fields.speed !== undefined;
  return isStripped ? null : { what: "fast_mode", by: fastMode.by };
}

function asksLongContext(model: string | null, betas: readonly string[]): boolean {
  return (
    model?.endsWith(LONG_CONTEXT_SUFFIX) === true ||
    betas.some((beta) => LONG_CONTEXT_BETA.test(beta))
  );
}

/** What the levers make of a request. A request that is rewritten already stays as it is. */
export function rewritingOf(levers: Levers, asked: Asked): Rewriting {
  const draft: Draft = { levers, asked, edits: [], changes: [] };
  rewriteModel(draft);
  if (!asked.isCount) {
    rewriteTokens(draft);
    rewriteEffort(draft);
    rewriteCacheTtl(draft);
    rewriteSpeed(draft);
    rewriteWebSearch(draft);
  }
  const betas = rewriteBetas(draft);
  return { edits: draft.edits, betas, changes: draft.changes };
}

interface Draft {
  readonly levers: Levers;
  readonly asked: Asked;
  readonly edits: Edit[];
  readonly changes: LeverChange[];
}

function rewriteModel({ levers, asked, edits, changes }: Draft): void {
  const { model } = asked.body;
  if (model === null) return;
  const chosen = modelFor(levers, asked, model);
  if (chosen === null || chosen.to === model) return;
  edits.push(editModel(asked.body, chosen.to));
  changes.push({ ...chosen, from: word(model) });
}

/** A model for just this kind of task comes before those for all. */
function modelFor(
  levers: Levers,
  { taskType, isAgent, isCount }: Asked,
  model: string,
): { readonly lever: string; readonly to: string; readonly by: string } | null {
  const isSubagent = taskType === "subagent" || (isCount && isAgent);
  const background = BACKGROUND.has(taskType) ? levers.backgroundModel : null;
  const subagent = isSubagent ? levers.subagentModel : null;
  if (background !== null)
    return { lever: "background_model", to: background.value, by: background.by };
  if (subagent !== null) return { lever: "subagent_model", to: subagent.value, by: subagent.by };
  const step = levers.models.find(({ fits }) => fits(model));
  return step === undefined ? null : { lever: "models", to: step.to, by: step.by };
}

function rewriteTokens({ levers, asked, edits, changes }: Draft): void {
  const { body, chunks } = asked;
  const { maxTokens: cap, thinkingBudgetMax } = levers;
  const isLowered = cap !== null && (body.maxTokens === null || body.maxTokens > cap.value);
  if (isLowered) {
    edits.push(editMaxTokens(body, cap.value));
    changes.push({ lever: "max_tokens", from: body.maxTokens, to: cap.value, by: cap.by });
  }
  // Thinking is part of the answer: the API takes no budget that fills it.
  const room = isLowered ? { value: cap.value - 1, by: cap.by } : null;
  const most = leastOf(room, thinkingBudgetMax);
  const budget = most === null ? null : thinkingBudgetIn(body, chunks);
  if (most === null || budget === null || budget <= most.value) return;
  const edit = editThinkingBudget(body, chunks, most.value);
  if (edit === null) return;
  edits.push(edit);
  changes.push({ lever: "thinking_budget_max", from: budget, to: most.value, by: most.by });
}

function leastOf(one: Said<number> | null, other: Said<number> | null): Said<number> | null {
  if (one === null || other === null) return one ?? other;
  return one.value < other.value ? one : other;
}

function rewriteEffort({ levers, asked, edits, changes }: Draft): void {
  const { effortMax } = levers;
  if (effortMax === null) return;
  const effort = effortOf(asked.body, asked.chunks);
  if (effort === null || effortRank(effort) <= effortRank(effortMax.value)) return;
  const edit = editEffort(asked.body, asked.chunks, effortMax.value);
  if (edit === null) return;
  edits.push(edit);
  const { value: to, by } = effortMax;
  changes.push({ lever: "effort_max", from: word(effort), to, by });
}

function rewriteCacheTtl({ levers, asked, edits, changes }: Draft): void {
  const { body, chunks } = asked;
  const ttl = levers.cacheTtl?.value ?? "as_asked";
  const from = body.facts.cacheMarkers;
  // Nothing asks for the longer life where the scan has seen none: nothing needs to be looked for.
  if (levers.cacheTtl === null || ttl === "as_asked" || from === "none") return;
  if (ttl === "5m" && from === "5m") return;
  const found = editCacheTtls(body, chunks, ttl);
  if (found.length === 0) return;
  edits.push(...found);
  changes.push({ lever: "cache_ttl", from, to: ttl, by: levers.cacheTtl.by });
}

function rewriteSpeed({ levers, asked, edits, changes }: Draft): void {
  const { body, chunks } = asked;
  const { fastMode } = levers;
  if (fastMode?.value !== "strip" || !body.facts.fast || body.fields.speed === undefined) return;
  edits.push(...editMembers(body, chunks, { remove: ["speed"], add: {} }));
  changes.push({ lever: "fast_mode", from: "fast", to: null, by: fastMode.by });
}

function rewriteWebSearch({ levers, asked, edits, changes }: Draft): void {
  const { body, maxUsesDefault } = asked;
  const { webSearchMaxUses: cap } = levers;
  if (cap === null) return;
  for (const [index, { type, maxUses }] of body.facts.serverTools.entries()) {
    if (!WEB_SEARCH.test(type) || (maxUses ?? maxUsesDefault) <= cap.value) continue;
    const edit = editMaxUses(body, index, cap.value);
    if (edit === null) continue;
    edits.push(edit);
    changes.push({ lever: "web_search_max_uses", from: maxUses, to: cap.value, by: cap.by });
  }
}

function rewriteBetas({ levers, asked, changes }: Draft): readonly string[] | null {
  if (levers.stripBetas.length === 0) return null;
  const kept: string[] = [];
  for (const beta of asked.betas) {
    const strip = levers.stripBetas.find(({ fits }) => fits(beta));
    if (strip === undefined) kept.push(beta);
    else changes.push({ lever: "strip_betas", from: word(beta), to: null, by: strip.by });
  }
  return kept.length === asked.betas.length ? null : kept;
}

function word(text: string): string {
  return text.slice(0, WORD_CHARACTERS_MAX);
}
