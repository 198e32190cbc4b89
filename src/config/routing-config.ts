/** Routing rules after validation, and the ready-made policies with their parameters. */
import type { ModelMapping } from "./config.ts";

/** What happens to fields that the target's dialect cannot carry. */
export type OnUnsupported = "refuse" | "drop";

/** Scopes with budgets of their own; `max` is the fullest of them. */
export const BUDGET_LEVELS = ["customer", "team", "owner", "virtual_key", "max"] as const;
export type BudgetLevel = (typeof BUDGET_LEVELS)[number];

export interface TargetConfig {
  /** Null: every provider of the key that allows the model, in the key's order. */
  readonly provider: string | null;
  /** Null: the model that was asked for, or what the rule's `models` make of it. */
  readonly model: string | null;
  /** Share among the targets of one priority. */
  readonly weight: number;
  /** 1 is tried first. */
  readonly priority: number;
}

export type PolicyConfig =
  | { readonly kind: "background_to_smallest"; readonly model: string }
  | { readonly kind: "subagents_cheaper"; readonly minDepth: number }
  | { readonly kind: "cheapest_capable" }
  | { readonly kind: "lowest_latency" }
  | { readonly kind: "weighted" }
  | {
      readonly kind: "budget_step_down";
      readonly abovePercent: number;
      readonly level: BudgetLevel;
    }
  | {
      readonly kind: "price_ceiling";
      /** US dollars for a million tokens; null: no ceiling. */
      readonly maxInputPrice: number | null;
      readonly maxOutputPrice: number | null;
    };

export type PolicyKind = PolicyConfig["kind"];

export interface RoutingRuleConfig {
  readonly id: string;
  /** A CEL expression; null: always. */
  readonly when: string | null;
  /** Null: the rule's own targets. */
  readonly policy: PolicyConfig | null;
  readonly targets: readonly TargetConfig[];
  /** In the file's order; the first glob that fits counts. */
  readonly models: readonly ModelMapping[];
  readonly onUnsupported: OnUnsupported;
  readonly fallbacks: {
    readonly contextLength: readonly TargetConfig[];
    readonly contentPolicy: readonly TargetConfig[];
  };
}

export interface RoutingConfig {
  /** Failed attempts are repeated and moved to other targets, and what keeps failing is left alone. */
  readonly failOver: boolean;
  /** Of requests that no rule takes. */
  readonly onUnsupported: OnUnsupported;
  readonly rules: readonly RoutingRuleConfig[];
}

/** Fields that a rule with a policy may have beside those that every rule has. */
export const POLICY_FIELDS = {
  background_to_smallest: ["model"],
  subagents_cheaper: ["models", "min_depth"],
  cheapest_capable: ["targets"],
  lowest_latency: ["targets"],
  weighted: ["targets"],
  budget_step_down: ["models", "above_percent", "level"],
  price_ceiling: ["targets", "max_input_price", "max_output_price"],
} as const satisfies Record<PolicyKind, readonly string[]>;

/** In the order in which documents list them. */
export const POLICY_KINDS = Object.keys(POLICY_FIELDS) as [PolicyKind, ...PolicyKind[]];

/** What policies do where their parameters are left out. */
export const POLICY_DEFAULTS = {
  /** The cheapest model of Anthropic's list. */
  smallestModel: "claude-haiku-5-5",
  minDepth: 1,
  abovePercent: 80,
  level: "max",
  cheaperModels: [
    { from: "claude-opus-*", to: "claude-sonnet-5-5" },
    { from: "claude-fable-*", to: "claude-sonnet-5-5" },
  ],
} as const;
