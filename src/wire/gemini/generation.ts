/** Limits, sampling, thinking and the answer's form, as Gemini's `generationConfig`. */
import type { CanonicalRequest, Thinking } from "../canonical/request.ts";
import type { EgressContext } from "../egress.ts";
import type { Lossy } from "./losses.ts";
import { traitsOf, type ModelTraits } from "./model.ts";
import { plainSchema } from "./schema.ts";

type Json = Readonly<Record<string, unknown>>;

const STOPS_MAX = 5;
/** Budgets up to here are low, and medium. */
const LOW_BUDGET_MAX = 4096;
const MEDIUM_BUDGET_MAX = 16_384;

/**
 * The `generationConfig` of a request. `maxOutputTokens` bounds thoughts and answer together, as `max_tokens`
 * does: with 1,024 asked, thoughts and answer sum up to 1,024 and the answer ends as MAX_TOKENS.
 * Source: ai.google.dev/api/generate-content#GenerationConfig and googleapis/python-genai issue 2062, 2026-11-23.
 */
export function generationConfigOf(
  request: CanonicalRequest,
  context: EgressContext,
  lossy: Lossy,
): Json {
  const traits = traitsOf(context.model);
  const thinkingConfig = thinkingConfigOf(request, traits, lossy);
  return {
    maxOutputTokens: context.maxTokens,
    ...samplingOf(request, context, lossy),
    ...stopsOf(request.stopSequences, lossy),
    ...(thinkingConfig === null ? {} : { thinkingConfig }),
    ...answerFormOf(request, context, lossy),
  };
}

function samplingOf(request: CanonicalRequest, context: EgressContext, lossy: Lossy): Json {
  const isFree = !context.quirks.has("no-temperature");
  const fields = [
    ["temperature", "temperature", request.temperature, isFree],
    ["topP", "top_p", request.topP, isFree],
    ["topK", "top_k", request.topK, !context.quirks.has("no-top-k")],
  ] as const;
  const sampling: Record<string, number> = {};
  for (const [name, field, value, isTaken] of fields) {
    if (value === null) continue;
    if (isTaken) sampling[name] = value;
    else lossy.lose(field);
  }
  return sampling;
}

function stopsOf(stops: readonly string[], lossy: Lossy): Json {
  if (stops.length === 0) return {};
  lossy.lose("stop_sequences.matched");
  if (stops.length > STOPS_MAX) lossy.lose("stop_sequences");
  return { stopSequences: stops.slice(0, STOPS_MAX) };
}

function answerFormOf(request: CanonicalRequest, context: EgressContext, lossy: Lossy): Json {
  if (request.schema === null) return {};
  if (request.tools.length > 0 && !traitsOf(context.model).mixesToolsAndSchema) {
    lossy.lose("output_config.format");
    return {};
  }
  const responseMimeType = "application/json";
  if (!context.quirks.has("plain-schemas"))
    return { responseMimeType, responseJsonSchema: request.schema };
  const { schema, isWhole } = plainSchema(request.schema);
  if (!isWhole) lossy.lose("output_config.format.schema");
  return { responseMimeType, responseSchema: schema };
}

function thinkingConfigOf(
  { thinking, effort }: CanonicalRequest,
  traits: ModelTraits,
  lossy: Lossy,
): Json | null {
  if (traits.thinking !== "level" && effort !== null) lossy.lose("output_config.effort");
  switch (traits.thinking) {
    case "none":
      if (thinking !== null && thinking.mode !== "disabled") lossy.lose("thinking.type");
      return null;
    case "budget":
      return thinking === null ? null : byBudget(thinking, traits, lossy);
    case "level":
      return byLevel(thinking, effort, { traits, lossy });
  }
}

function byBudget(thinking: Thinking, { budget }: ModelTraits, lossy: Lossy): Json {
  switch (thinking.mode) {
    case "disabled":
      if (budget.least > 0) lossy.lose("thinking.type");
      return { thinkingBudget: budget.least };
    case "adaptive":
      return { thinkingBudget: -1, includeThoughts: true };
    case "enabled": {
      const fitting = Math.min(Math.max(thinking.budgetTokens, budget.least), budget.most);
      if (fitting !== thinking.budgetTokens) lossy.lose("thinking.budget_tokens");
      return { thinkingBudget: fitting, includeThoughts: true };
    }
  }
}

function byLevel(
  thinking: Thinking | null,
  effort: string | null,
  { traits, lossy }: { readonly traits: ModelTraits; readonly lossy: Lossy },
): Json | null {
  if (thinking?.mode === "disabled") {
    // No model of this kind can be kept from thinking; every one of them knows LOW.
    lossy.lose("thinking.type");
    return { thinkingLevel: "LOW" };
  }
  let level = effort === null ? null : levelOfEffort(effort);
  if (thinking?.mode === "enabled") {
    lossy.lose("thinking.budget_tokens");
    level ??= levelOfBudget(thinking.budgetTokens);
  }
  if (level === "MEDIUM" && !traits.knowsMedium) level = "HIGH";
  if (level === null && thinking === null) return null;
  return {
    ...(level === null ? {} : { thinkingLevel: level }),
    ...(thinking === null ? {} : { includeThoughts: true }),
  };
}

function levelOfEffort(effort: string): string {
  if (effort === "low" || effort === "minimal") return "LOW";
  return effort === "medium" ? "MEDIUM" : "HIGH";
}

function levelOfBudget(budgetTokens: number): string {
  if (budgetTokens <= LOW_BUDGET_MAX) return "LOW";
  return budgetTokens <= MEDIUM_BUDGET_MAX ? "MEDIUM" : "HIGH";
}
