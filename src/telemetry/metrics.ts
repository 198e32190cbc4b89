/** Everything that `/metrics` tells, counted as it happens; gauges are read when they are asked for. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import { CountedSeries } from "./counted-series.ts";
import { QueuedHistogram } from "./queued-histogram.ts";
import type { RefusalCode } from "../core/refusal.ts";
import type { Scope } from "../core/span.ts";
import { USAGE_FIELDS, type Usage } from "../core/usage.ts";

/** One finished request. Ids come from the configuration; null is printed as the empty label. */
export interface FinishedRequest {
  readonly customer: string | null;
  readonly team: string | null;
  readonly virtualKey: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly taskType: string;
  readonly outcome: string;
  readonly code: RefusalCode | null;
  readonly costNano: bigint;
  readonly usage: Usage;
  readonly overheadSeconds: number;
  readonly firstByteSeconds: number | null;
  readonly requestSeconds: number;
}

/** A budget's window at the moment of a scrape, in nano-dollars. Windows of sessions are left out. */
export interface BudgetReading {
  readonly scope: Scope;
  readonly per: string;
  readonly timeZone: string | null;
  readonly startMs: number | null;
  readonly limit: bigint;
  readonly settled: bigint;
  readonly held: bigint;
}

/** Where the gauges come from; called at each scrape. */
export interface MetricsSources {
  readonly budgets: () => readonly BudgetReading[];
  /** How long the oldest unwritten record of the journal has waited; 0 where there is none. */
  readonly journalLagMs: () => number;
  /** Requests that wait for room, by provider. */
  readonly queueWaiting: () => ReadonlyMap<string, number>;
}

export interface TollgateMetrics {
  /** A request is in flight until `requestLeaves`. */
  readonly requestBegins: () => void;
  readonly requestLeaves: () => void;
  readonly requestEnds: (finished: FinishedRequest) => void;
  /** `result`: "ok", a status class ("4xx"), or a fault's name. */
  readonly attemptEnds: (provider: string, result: string) => void;
  readonly holdOverrun: (provider: string) => void;
  /** A request has waited for room at a provider. */
  readonly queueWaitEnds: (seconds: number) => void;
  /** A detector found a session to run away; `action`: what followed. */
  readonly runawayFound: (detector: string, action: string) => void;
  /** The self-check found the books to contradict themselves. */
  readonly invariantBreached: (invariant: string) => void;
  /** All metrics in Prometheus' text format 0.0.4. */
  readonly metricsText: () => Promise<string>;
}

/** `held_is_sum`: what is held is the sum of the open holds. `cap_kept`: no admission exceeds a cap. */
const INVARIANTS = ["held_is_sum", "cap_kept", "counters_sound"] as const;

/** What the self-check holds the books against. */
export type Invariant = (typeof INVARIANTS)[number];

/** 50 µs to 1 s: what the gateway itself takes. */
const OVERHEAD_BUCKETS = [
  0.000_05, 0.000_1, 0.000_2, 0.000_3, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2,
  0.5, 1,
];
/** 50 ms to 600 s: what models take. */
const ANSWER_BUCKETS = [
  0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 8, 12, 20, 30, 45, 60, 90, 120, 180, 300, 600,
];
/** 5 ms to 60 s: what requests wait for each other. */
const WAIT_BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60];
/** Unlisted models may be asked for under any name; from here on they share one label. */
const MODELS_MAX = 500;
const OTHER_MODELS = "other";
const NANO = 1e9;

/** Metrics with a registry of their own, process figures included. */
export function createMetrics(sources: MetricsSources): TollgateMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  registerGauges(registry, sources);
  const counters = createCounters(registry);
  // From 0 on: an alert on a change would miss the first breach of a series that begins with it.
  for (const invariant of INVARIANTS) counters.breaches.inc({ invariant }, 0);
  const models = new Set<string>();
  const modelLabel = (model: string): string => {
    if (models.size < MODELS_MAX) models.add(model);
    return models.has(model) ? model : OTHER_MODELS;
  };
  let costNano = 0n;
  let inFlight = 0;
  new Counter({
    name: "tollgate_cost_usd_total",
    help: "Settled cost in US dollars since the start; /api/v1/usage has it exactly.",
    registers: [registry],
    // Summed exactly and turned into a float once a scrape: adding floats would lose nano-dollars.
    collect() {
      this.reset();
      this.inc(Number(costNano) / NANO);
    },
  });
  new Gauge({
    name: "tollgate_inflight_requests",
    help: "Requests that have arrived and not ended.",
    registers: [registry],
    collect() {
      this.set(inFlight);
    },
  });
  return {
    requestBegins: () => {
      inFlight++;
    },
    requestLeaves: () => {
      inFlight--;
    },
    requestEnds: (finished) => {
      costNano += finished.costNano;
      countRequest(counters, finished, modelLabel(finished.model ?? ""));
    },
    attemptEnds: (provider, result) => counters.attempts.add([provider, result]),
    queueWaitEnds: (seconds) => counters.queueWait.observe(seconds),
    holdOverrun: () => counters.overruns.inc(),
    runawayFound: (detector, action) => counters.runaways.add([detector, action]),
    invariantBreached: (invariant) => counters.breaches.inc({ invariant }),
    metricsText: () => registry.metrics(),
  };
}

function createCounters(registry: Registry) {
  const registers = [registry];
  return {
    requests: new CountedSeries(registry, {
      name: "tollgate_requests_total",
      help: "Requests that have ended, by who asked, what served them and how they ended.",
      labelNames: [
        "customer",
        "team",
        "virtual_key",
        "provider",
        "model",
        "task_type",
        "outcome",
        "code",
      ],
    }),
    runaways: new CountedSeries(registry, {
      name: "tollgate_runaway_findings_total",
      help: "Sessions found to run away, by detector and what followed.",
      labelNames: ["detector", "action"],
    }),
    tokens: new CountedSeries(registry, {
      name: "tollgate_tokens_total",
      help: "Settled tokens and tool uses, by kind; thinking is a part of output.",
      labelNames: ["kind"],
    }),
    overhead: new QueuedHistogram(registry, {
      name: "tollgate_overhead_seconds",
      help: "Time inside the gateway, waits for upstream and client excluded.",
      buckets: OVERHEAD_BUCKETS,
    }),
    firstByte: new QueuedHistogram(registry, {
      name: "tollgate_first_byte_seconds",
      help: "Arrival of a request to the first byte of its answer.",
      buckets: ANSWER_BUCKETS,
    }),
    duration: new QueuedHistogram(registry, {
      name: "tollgate_request_seconds",
      help: "Arrival of a request to the end of its answer.",
      buckets: ANSWER_BUCKETS,
    }),
    queueWait: new QueuedHistogram(registry, {
      name: "tollgate_queue_wait_seconds",
      help: "What a request that waited for room at a provider has waited, however that ended.",
      buckets: WAIT_BUCKETS,
    }),
    attempts: new CountedSeries(registry, {
      name: "tollgate_upstream_attempts_total",
      help: "Attempts at an upstream that have ended, by result.",
      labelNames: ["provider", "result"],
    }),
    overruns: new Counter({
      name: "tollgate_hold_overruns_total",
      help: "Charges above their hold: the bound was wrong for that door.",
      registers,
    }),
    breaches: new Counter({
      name: "tollgate_invariant_breaches_total",
      help: "Times that the self-check found the books to contradict themselves: any is a fault.",
      labelNames: ["invariant"],
      registers,
    }),
  };
}

function countRequest(
  counters: ReturnType<typeof createCounters>,
  finished: FinishedRequest,
  model: string,
): void {
  counters.requests.add([
    finished.customer ?? "",
    finished.team ?? "",
    finished.virtualKey ?? "",
    finished.provider ?? "",
    model,
    finished.taskType,
    finished.outcome,
    finished.code ?? "",
  ]);
  for (const kind of USAGE_FIELDS) {
    if (finished.usage[kind] > 0) counters.tokens.add([kind], finished.usage[kind]);
  }
  counters.overhead.observe(finished.overheadSeconds);
  if (finished.firstByteSeconds !== null) counters.firstByte.observe(finished.firstByteSeconds);
  counters.duration.observe(finished.requestSeconds);
}

function registerGauges(registry: Registry, sources: MetricsSources): void {
  new Gauge({
    name: "tollgate_journal_lag_seconds",
    help: "How long the oldest unwritten record of the journal has waited.",
    registers: [registry],
    collect() {
      this.set(sources.journalLagMs() / 1000);
    },
  });
  new Gauge({
    name: "tollgate_queue_waiting",
    help: "Requests that wait for room at a provider.",
    labelNames: ["provider"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [provider, count] of sources.queueWaiting()) this.set({ provider }, count);
    },
  });
  const amounts = [
    ["limit", "The cap of a budget's running window."],
    ["settled", "What a budget's running window has settled."],
    ["held", "What a budget's running window holds for requests in flight."],
  ] as const;
  for (const [amount, help] of amounts) {
    new Gauge({
      name: `tollgate_budget_${amount}_usd`,
      help: `${help} US dollars.`,
      labelNames: ["scope_type", "scope_id", "per", "time_zone"],
      registers: [registry],
      collect() {
        this.reset();
        for (const budget of runningWindows(sources.budgets())) {
          this.set(budgetLabels(budget), Number(budget[amount]) / NANO);
        }
      },
    });
  }
}

/** Sessions are without bound; of a window that has ended and the running one, the later is shown. */
function runningWindows(budgets: readonly BudgetReading[]): readonly BudgetReading[] {
  return budgets
    .filter(({ scope }) => scope.type !== "session" && scope.type !== "subagent")
    .toSorted((left, right) => (left.startMs ?? 0) - (right.startMs ?? 0));
}

function budgetLabels({ scope, per, timeZone }: BudgetReading) {
  return { scope_type: scope.type, scope_id: scope.id, per, time_zone: timeZone ?? "" };
}
