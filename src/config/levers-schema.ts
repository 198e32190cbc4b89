/** The shape of `levers` and `lever_rules`. What relates several values is in `levers-check.ts`. */
import { z } from "zod";
import { CACHE_TTLS, EFFORTS, THINKING_BUDGET_MIN } from "./levers-config.ts";
import { anyText, glob, id, text } from "./schema-text.ts";

const EXPRESSION_CHARACTERS_MAX = 4096;
const TOKENS_MAX = 10_000_000;
const USES_MAX = 1_000;

const model = text({
  pattern: /^[^\s\p{C}*?]{1,256}$/u,
  fault: "is not a model: write one name without spaces or wildcards, such as claude-haiku-5-5",
});

const betaGlob = text({
  pattern: /^[A-Za-z0-9._*?-]{1,128}$/,
  fault: "is not a beta or a glob over betas: write one such as context-1m-*",
});

const levers = z.strictObject({
  thinking_budget_max: z
    .int()
    .min(THINKING_BUDGET_MIN)
    .max(TOKENS_MAX)
    .optional()
    .describe(
      "Most thinking.budget_tokens; adaptive thinking has no budget: effort_max bounds it.",
    ),
  effort_max: z
    .enum(EFFORTS)
    .optional()
    .describe("Most output_config.effort; a request that asks for none is left alone."),
  max_tokens: z
    .int()
    .min(2 * THINKING_BUDGET_MIN)
    .max(TOKENS_MAX)
    .optional()
    .describe("Most max_tokens; thinking budgets are kept below it."),
  cache_ttl: z
    .enum(CACHE_TTLS)
    .optional()
    .describe("The life of all prompt caches; a session keeps the one that it began with."),
  background_model: model
    .optional()
    .describe("The model of titles, summaries and other side calls."),
  subagent_model: model.optional().describe("The model of subagents."),
  models: z
    .record(glob, model)
    .default({})
    .describe("Models asked for, or globs over them, and what is asked for instead."),
  strip_betas: z
    .array(betaGlob)
    .default([])
    .describe("Globs over values of anthropic-beta, which are taken out."),
  long_context: z
    .enum(["refuse"])
    .optional()
    .describe("refuse: no 1M context, asked for as [1m] or as a context-1m beta."),
  fast_mode: z
    .enum(["refuse", "strip"])
    .optional()
    .describe("What becomes of requests for fast mode; strip serves them at standard speed."),
  web_search_max_uses: z
    .int()
    .min(1)
    .max(USES_MAX)
    .optional()
    .describe("Most max_uses of a web search tool."),
});

/** What is printed of them: fields that say nothing are left out. */
export const printedLevers = levers.partial().meta({ id: "LeversOfEntity" });

export const leversField = levers
  .optional()
  .describe("What is made of this scope's requests: of caps the least of all scopes counts.");

const leverRules = z
  .array(
    z.strictObject({
      id: id.describe("Unique among the rules; rows name it."),
      when: anyText
        .min(1)
        .max(EXPRESSION_CHARACTERS_MAX)
        .describe("A CEL expression over the request's facts, as in routing rules."),
      levers: levers.describe("What is made of the requests for which it holds."),
    }),
  )
  .default([])
  .describe("Levers on a condition; all that hold apply, over those of the scopes.");

/** At the file's top level. */
export const leversOfAll = {
  levers: leversField.describe("What is made of every request, before the scopes' own levers."),
  lever_rules: leverRules,
};

/** As the file has them. */
export type FileLevers = z.output<typeof levers>;
/** As a person writes them. */
export type LeversInput = z.input<typeof levers>;
