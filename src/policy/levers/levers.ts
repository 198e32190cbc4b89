/** Levers of several scopes as one: caps take the least, the inner scope chooses, refusals add up. */
import {
  EFFORTS,
  type CacheTtl,
  type Effort,
  type LeversConfig,
} from "../../config/levers-config.ts";
import { modelMatcher } from "../models.ts";

/** What is in force, and whose word it is: "team/platform", "rule/nights", "gateway". */
export interface Said<Value> {
  readonly value: Value;
  readonly by: string;
}

export interface ModelStep {
  /** As the file has it. */
  readonly from: string;
  readonly fits: (model: string) => boolean;
  readonly to: string;
  readonly by: string;
}

export interface BetaStrip {
  /** As the file has it. */
  readonly glob: string;
  readonly fits: (beta: string) => boolean;
  readonly by: string;
}

/** Null and empty: nothing is said. */
export interface Levers {
  readonly thinkingBudgetMax: Said<number> | null;
  readonly effortMax: Said<Effort> | null;
  readonly maxTokens: Said<number> | null;
  readonly webSearchMaxUses: Said<number> | null;
  readonly cacheTtl: Said<CacheTtl> | null;
  readonly backgroundModel: Said<string> | null;
  readonly subagentModel: Said<string> | null;
  /** The innermost scope's first: the first that fits counts. */
  readonly models: readonly ModelStep[];
  readonly stripBetas: readonly BetaStrip[];
  readonly longContext: Said<"refuse"> | null;
  readonly fastMode: Said<"refuse" | "strip"> | null;
}

/** Of somebody who says nothing. */
export const NO_LEVERS: Levers = {
  thinkingBudgetMax: null,
  effortMax: null,
  maxTokens: null,
  webSearchMaxUses: null,
  cacheTtl: null,
  backgroundModel: null,
  subagentModel: null,
  models: [],
  stripBetas: [],
  longContext: null,
  fastMode: null,
};

/** Levers as one scope or rule says them. */
export function leversBy(config: LeversConfig, by: string): Levers {
  const said = <Value>(value: Value | null): Said<Value> | null =>
    value === null ? null : { value, by };
  return {
    thinkingBudgetMax: said(config.thinkingBudgetMax),
    effortMax: said(config.effortMax),
    maxTokens: said(config.maxTokens),
    webSearchMaxUses: said(config.webSearchMaxUses),
    cacheTtl: said(config.cacheTtl),
    backgroundModel: said(config.backgroundModel),
    subagentModel: said(config.subagentModel),
    models: config.models.map(({ from, to }) => ({ from, fits: modelMatcher([from]), to, by })),
    stripBetas: config.stripBetas.map((glob) => ({ glob, fits: modelMatcher([glob]), by })),
    longContext: said(config.longContext),
    fastMode: said(config.fastMode),
  };
}

/** Both together. Where the two caps are equal, and of two refusals, the outer one is named. */
export function joinLevers(outer: Levers, inner: Levers): Levers {
  return {
    thinkingBudgetMax: least(outer.thinkingBudgetMax, inner.thinkingBudgetMax, itself),
    effortMax: least(outer.effortMax, inner.effortMax, effortRank),
    maxTokens: least(outer.maxTokens, inner.maxTokens, itself),
    webSearchMaxUses: least(outer.webSearchMaxUses, inner.webSearchMaxUses, itself),
    cacheTtl: inner.cacheTtl ?? outer.cacheTtl,
    backgroundModel: inner.backgroundModel ?? outer.backgroundModel,
    subagentModel: inner.subagentModel ?? outer.subagentModel,
    models: [...inner.models, ...outer.models],
    stripBetas: [...outer.stripBetas, ...inner.stripBetas],
    longContext: outer.longContext ?? inner.longContext,
    fastMode: least(outer.fastMode, inner.fastMode, fastModeRank),
  };
}

/** 0 for the least; what is not known here counts as more than everything. */
export function effortRank(effort: string): number {
  const rank = (EFFORTS as readonly string[]).indexOf(effort);
  return rank < 0 ? EFFORTS.length : rank;
}

/** A refusal is stricter than standard speed. */
function fastModeRank(value: "refuse" | "strip"): number {
  return value === "refuse" ? 0 : 1;
}

function itself(value: number): number {
  return value;
}

function least<Value>(
  outer: Said<Value> | null,
  inner: Said<Value> | null,
  rank: (value: Value) => number,
): Said<Value> | null {
  if (outer === null || inner === null) return outer ?? inner;
  return rank(inner.value) < rank(outer.value) ? inner : outer;
}
