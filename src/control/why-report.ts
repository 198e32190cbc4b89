/** What is asked of a request that nobody sends, and what is told of it. */
import type { Refusal } from "../core/refusal.ts";
import type { Scope, Unit } from "../core/span.ts";
import type { TaskType } from "../journal/record.ts";

export interface WhyQuestion {
  readonly virtualKey: string;
  readonly model: string;
  /** Null: any that the key may use. */
  readonly provider: string | null;
  /** Null, or no values: rules about it are not asked. */
  readonly taskType: Exclude<TaskType, "count"> | null;
  readonly address: string | null;
  readonly betas: readonly string[];
  /** Types of tools that providers define, or their families. */
  readonly tools: readonly string[];
  readonly headers: readonly string[];
  /** Unix milliseconds. */
  readonly atMs: number;
}

/** What one scope says of one thing. */
export interface WhyVerdict {
  /** "models", "hours" and so on: the field of `access`. */
  readonly about: string;
  readonly value: string;
  readonly allowed: boolean;
  /** Null: the scope has no rule about it. */
  readonly rule: string | null;
}

export interface WhyLevel {
  /** "team/platform"; "gateway" for the file's top level. */
  readonly scope: string;
  /** Its rules are followed on paper alone. */
  readonly observed: boolean;
  readonly verdicts: readonly WhyVerdict[];
}

export interface WhyProvider {
  readonly id: string;
  readonly usable: boolean;
  /** Why not; null where it is usable. */
  readonly why: string | null;
}

/** A limit or budget, and its window now. Amounts in the unit, money in nano-dollars. */
export interface WhyLimit {
  readonly scope: Scope;
  readonly unit: Unit;
  readonly per: string;
  readonly limit: bigint;
  /** Settled and held; null where each session has a window of its own. */
  readonly used: bigint | null;
  /** Unix milliseconds; null: not at a fixed time. */
  readonly resetsMs: number | null;
}

export interface WhyReport {
  /** Null: no rule refuses. */
  readonly refusal: Refusal | null;
  /** What rules that are followed on paper alone would have answered. */
  readonly onPaper: Refusal | null;
  /** The routing rule that takes it; null: none does. */
  readonly route: { readonly rule: string | null; readonly why: string };
  /** Outermost first. */
  readonly levels: readonly WhyLevel[];
  /** Of the key, in its order. */
  readonly providers: readonly WhyProvider[];
  /** Outermost first. */
  readonly limits: readonly WhyLimit[];
}
