/** Makes levers of a file that is known to be without fault, and prints them as the file has them. */
import type { LeverRuleConfig, LeversConfig } from "./levers-config.ts";
import type { FileLevers } from "./levers-schema.ts";

export function leversOf(file: FileLevers): LeversConfig {
  return {
    thinkingBudgetMax: file.thinking_budget_max ?? null,
    effortMax: file.effort_max ?? null,
    maxTokens: file.max_tokens ?? null,
    cacheTtl: file.cache_ttl ?? null,
    backgroundModel: file.background_model ?? null,
    subagentModel: file.subagent_model ?? null,
    models: Object.entries(file.models).map(([from, to]) => ({ from, to })),
    stripBetas: file.strip_betas,
    longContext: file.long_context ?? null,
    fastMode: file.fast_mode ?? null,
    webSearchMaxUses: file.web_search_max_uses ?? null,
  };
}

export function leverRuleOf(rule: {
  readonly id: string;
  readonly when: string;
  readonly levers: FileLevers;
}): LeverRuleConfig {
  return { id: rule.id, when: rule.when, levers: leversOf(rule.levers) };
}

/** The fields of the file; those that say nothing are left out. */
export function printLevers(levers: LeversConfig): Partial<FileLevers> {
  const { stripBetas, models } = levers;
  return {
    ...(levers.thinkingBudgetMax === null ? {} : { thinking_budget_max: levers.thinkingBudgetMax }),
    ...(levers.effortMax === null ? {} : { effort_max: levers.effortMax }),
    ...(levers.maxTokens === null ? {} : { max_tokens: levers.maxTokens }),
    ...(levers.cacheTtl === null ? {} : { cache_ttl: levers.cacheTtl }),
    ...(levers.backgroundModel === null ? {} : { background_model: levers.backgroundModel }),
    ...(levers.subagentModel === null ? {} : { subagent_model: levers.subagentModel }),
    ...(models.length === 0
      ? {}
      : { models: Object.fromEntries(models.map(({ from, to }) => [from, to])) }),
    ...(stripBetas.length === 0 ? {} : { strip_betas: [...stripBetas] }),
    ...(levers.longContext === null ? {} : { long_context: levers.longContext }),
    ...(levers.fastMode === null ? {} : { fast_mode: levers.fastMode }),
    ...(levers.webSearchMaxUses === null ? {} : { web_search_max_uses: levers.webSearchMaxUses }),
  };
}
