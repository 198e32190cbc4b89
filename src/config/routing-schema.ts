/** The shape of the file's `routing` section. What relates several of its values is in `routing-check.ts`. */
import { z } from "zod";
import { BUDGET_LEVELS, POLICY_DEFAULTS, POLICY_KINDS } from "./routing-config.ts";
import { anyText, glob, id, providerId, text } from "./schema-text.ts";

const EXPRESSION_CHARACTERS_MAX = 4096;
const WEIGHT_MAX = 1_000_000;
const PRICE_MAX = 1_000_000;

const model = text({
  pattern: /^[^\s\p{C}*?]{1,256}$/u,
  fault: "is not a model: write one name without spaces or wildcards, such as claude-haiku-5-5",
});

const target = z.strictObject({
  provider: providerId
    .optional()
    .describe("Id of a provider; without it all that the key may use, in the key's order."),
  model: model
    .optional()
    .describe("The model to ask for; without it the one asked for, after the rule's models."),
  weight: z
    .number()
    .gt(0)
    .max(WEIGHT_MAX)
    .default(1)
    .describe("Share of the requests, relative to the other targets of the same priority."),
  priority: z.int().min(1).max(100).default(1).describe("1 is tried first."),
});

const targets = z.array(target).default([]);

const fallback = z.array(target).default([]);

const onUnsupported = z.enum(["refuse", "drop"]);

const rule = z.strictObject({
  id: id.describe("Unique among the rules; rows name it."),
  when: anyText
    .min(1)
    .max(EXPRESSION_CHARACTERS_MAX)
    .optional()
    .describe("A CEL expression over the request's facts; without it the rule always holds."),
  policy: z
    .enum(POLICY_KINDS)
    .optional()
    .describe("A ready-made rule, adjusted by the fields below; either this or targets or models."),
  targets: targets.describe("Where requests go: by priority, and by weight within one."),
  models: z
    .record(glob, model)
    .default({})
    .describe("Models asked for, or globs over them, and what to ask for instead."),
  model: model
    .optional()
    .describe(`background_to_smallest: the model; ${POLICY_DEFAULTS.smallestModel} without it.`),
  min_depth: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe("subagents_cheaper: from this depth of agents on; 1 without it."),
  above_percent: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe(
      `budget_step_down: above this share of a budget; ${POLICY_DEFAULTS.abovePercent} without it.`,
    ),
  level: z
    .enum(BUDGET_LEVELS)
    .optional()
    .describe("budget_step_down: whose budgets count; max, the fullest, without it."),
  max_input_price: z
    .number()
    .min(0)
    .max(PRICE_MAX)
    .optional()
    .describe("price_ceiling: most US dollars for a million tokens of input."),
  max_output_price: z
    .number()
    .min(0)
    .max(PRICE_MAX)
    .optional()
    .describe("price_ceiling: most US dollars for a million tokens of output."),
  on_unsupported: onUnsupported
    .optional()
    .describe("What becomes of fields that the target cannot carry; else routing.on_unsupported."),
  fallbacks: z
    .strictObject({
      context_length: fallback.describe("Where a request goes that is too long for its model."),
      content_policy: fallback.describe("Where a request goes that its provider will not answer."),
    })
    .prefault({})
    .describe("Targets after refusals of a kind."),
});

export const routingSchema = z.strictObject({
  fail_over: z
    .boolean()
    .default(true)
    .describe(
      "Repeat failed attempts, move on to other targets, and leave alone what keeps failing.",
    ),
  on_unsupported: onUnsupported
    .default("refuse")
    .describe("refuse names the field that a target cannot carry; drop leaves it out and says so."),
  rules: z
    .array(rule)
    .default([])
    .describe("The first that holds and leaves a target that the key may use takes the request."),
});
