/** What rules can ask about a request: the words, their types, and where each value comes from. */
import { ANSWERED_TASKS, type TaskType } from "../../core/task-type.ts";
import type { BudgetShares } from "../../policy/utilisation.ts";
import { TASK_SOURCES, type TaskSource } from "../task-type/task.ts";
import { WEEKDAYS, type ZoneTime } from "./zone-time.ts";

export type Utilisation = BudgetShares;

/** What is known of a provider for one model. */
export interface ProviderFacts {
  /** False where a request would not be sent there now. */
  readonly healthy: boolean;
  /** Recent time to the first byte; null where nothing was measured. */
  readonly latencyMs: number | null;
  /** US dollars for a million tokens; null where the model has no known price. */
  readonly inputPrice: number | null;
  readonly outputPrice: number | null;
  readonly contextWindowTokens: number | null;
}

/** One request, as rules see it. Functions are called only where a rule needs their answer. */
export interface RequestFacts {
  /** As asked for. */
  readonly model: string;
  readonly task: { readonly type: TaskType; readonly source: TaskSource };
  readonly session: {
    readonly id: string | null;
    /** Since its first request on this node. */
    readonly ageSeconds: number;
    /** Before this one. */
    readonly requests: number;
  };
  readonly agent: { readonly id: string | null; readonly depth: number };
  readonly input: { readonly bytes: number; readonly tokensEstimate: number };
  readonly thinking: boolean;
  readonly toolCount: number;
  readonly images: number;
  /** Documents, files and other input that bytes say nothing about. */
  readonly documents: boolean;
  readonly stream: boolean;
  readonly maxTokens: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly customer: string;
  readonly team: string;
  readonly owner: string | null;
  readonly virtualKey: string;
  /** Unix milliseconds. */
  readonly atMs: number;
  /** Ids of the providers that the key may use, in its order. */
  readonly providers: readonly string[];
  /** Whether the key may use this model at this provider. */
  readonly allows: (provider: string, model: string) => boolean;
  readonly utilisation: () => Utilisation;
  /** `model` as it would be asked for there. */
  readonly provider: (id: string, model: string) => ProviderFacts;
}

/** What the facts of one decision are read from. */
export interface FactContext {
  readonly facts: RequestFacts;
  readonly time: ZoneTime;
  /** The request's, asked for once. */
  readonly utilisation: () => Utilisation;
}

export function factContext(facts: RequestFacts, time: ZoneTime): FactContext {
  let known: Utilisation | null = null;
  return { facts, time, utilisation: () => (known ??= facts.utilisation()) };
}

interface Fact {
  readonly means: string;
  /** All values that there are, where they are few. */
  readonly values?: readonly string[];
}

/** A fact with one value; `int` is read as a whole number. */
export type ScalarFact = Fact &
  (
    | { readonly type: "string"; readonly read: (context: FactContext) => string }
    | { readonly type: "int" | "double"; readonly read: (context: FactContext) => number }
    | { readonly type: "bool"; readonly read: (context: FactContext) => boolean }
  );

/** Facts with one value, by the name that expressions use. */
export const SCALAR_FACTS: Readonly<Record<string, ScalarFact>> = {
  model: {
    type: "string",
    means: "The model asked for, as the client wrote it.",
    read: ({ facts }) => facts.model,
  },
  "task.type": {
    type: "string",
    means: "The kind of task.",
    values: ANSWERED_TASKS,
    read: ({ facts }) => facts.task.type,
  },
  "task.source": {
    type: "string",
    means: "Whether the client's hint header said so, or the gateway's heuristics.",
    values: TASK_SOURCES,
    read: ({ facts }) => facts.task.source,
  },
  "session.id": {
    type: "string",
    means: 'The session; "" where the client names none.',
    read: ({ facts }) => facts.session.id ?? "",
  },
  "session.age_seconds": {
    type: "int",
    means: "Since the session's first request on this node; 0 for that one.",
    read: ({ facts }) => facts.session.ageSeconds,
  },
  "session.requests": {
    type: "int",
    means: "Requests of the session on this node before this one.",
    read: ({ facts }) => facts.session.requests,
  },
  "agent.id": {
    type: "string",
    means: 'The subagent; "" for the main loop.',
    read: ({ facts }) => facts.agent.id ?? "",
  },
  "agent.depth": {
    type: "int",
    means: "0 for the main loop, 1 for its subagents, 2 for theirs.",
    read: ({ facts }) => facts.agent.depth,
  },
  "input.bytes": {
    type: "int",
    means: "Bytes of the request's body.",
    read: ({ facts }) => facts.input.bytes,
  },
  "input.tokens_estimate": {
    type: "int",
    means: "A likely count of input tokens; no bound.",
    read: ({ facts }) => facts.input.tokensEstimate,
  },
  thinking: {
    type: "bool",
    means: "Thinking is asked for.",
    read: ({ facts }) => facts.thinking,
  },
  "tools.count": {
    type: "int",
    means: "Tools that the request offers.",
    read: ({ facts }) => facts.toolCount,
  },
  stream: {
    type: "bool",
    means: "A streamed answer is asked for.",
    read: ({ facts }) => facts.stream,
  },
  max_tokens: {
    type: "int",
    means: "The request's own max_tokens; 0 where it names none.",
    read: ({ facts }) => facts.maxTokens ?? 0,
  },
  customer: {
    type: "string",
    means: "Id of the key's customer.",
    read: ({ facts }) => facts.customer,
  },
  team: { type: "string", means: "Id of the key's team.", read: ({ facts }) => facts.team },
  owner: {
    type: "string",
    means: 'Id of the key\'s owner; "" where it has none.',
    read: ({ facts }) => facts.owner ?? "",
  },
  virtual_key: {
    type: "string",
    means: "Id of the virtual key.",
    read: ({ facts }) => facts.virtualKey,
  },
  "time.hour": {
    type: "int",
    means: "Hour of the day in time.zone, 0 to 23.",
    read: ({ facts, time }) => time.hour(facts.atMs),
  },
  "time.weekday": {
    type: "string",
    means: "Day of the week in time.zone.",
    values: WEEKDAYS,
    read: ({ facts, time }) => time.weekday(facts.atMs),
  },
  "time.zone": {
    type: "string",
    means: "The file's time_zone, by which hour and weekday are told.",
    read: ({ time }) => time.zone,
  },
  "budget.utilisation.customer": utilisation("customer", "customer's"),
  "budget.utilisation.team": utilisation("team", "team's"),
  "budget.utilisation.owner": utilisation("owner", "owner's"),
  "budget.utilisation.virtual_key": utilisation("virtual_key", "key's own"),
  "budget.utilisation.max": {
    type: "double",
    means: "The fullest of these.",
    read: (context) => context.utilisation().max,
  },
};

function utilisation(level: keyof Utilisation, whose: string): ScalarFact {
  return {
    type: "double",
    means: `Settled and held share of the ${whose} fullest budget: 0.8 is 80 %; 0 without budgets.`,
    read: (context) => context.utilisation()[level],
  };
}

/** All facts with one value, for people: what rules saw of a request. */
export function shownFacts(context: FactContext): Record<string, string | number | boolean> {
  const entries = Object.entries(SCALAR_FACTS).map(([name, { read }]) => [name, read(context)]);
  return Object.fromEntries(entries) as Record<string, string | number | boolean>;
}

/** Facts of one provider, below `providers.ID` or `providers["ID"]`. */
export const PROVIDER_FACTS: Readonly<
  Record<
    string,
    { readonly means: string } & (
      | { readonly type: "bool"; readonly read: (provider: ProviderFacts) => boolean }
      | { readonly type: "double"; readonly read: (provider: ProviderFacts) => number }
    )
  >
> = {
  healthy: {
    type: "bool",
    means: "Requests are sent there now.",
    read: ({ healthy }) => healthy,
  },
  latency_ms: {
    type: "double",
    means: "Recent milliseconds to the first byte; 0 until something was measured.",
    read: ({ latencyMs }) => latencyMs ?? 0,
  },
  input_price: {
    type: "double",
    means:
      "US dollars for a million input tokens of the model asked for; above every number where unknown.",
    read: ({ inputPrice }) => inputPrice ?? Infinity,
  },
  output_price: {
    type: "double",
    means: "The same for output tokens.",
    read: ({ outputPrice }) => outputPrice ?? Infinity,
  },
};

/** Facts that are maps, with the CEL type of each. */
export const MAP_FACTS = {
  labels: {
    type: "map<string, string>",
    means: "Labels of customer, team, owner and key; the inner one wins. `labels.NAME`.",
  },
  providers: {
    type: "map<string, Provider>",
    means: "The configured providers by id, for the model asked for.",
  },
} as const;
