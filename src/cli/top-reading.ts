/** What `tollgate top` shows, asked of the control API: who spends how fast, and what is in the way. */
import type { Status } from "../control/status.ts";
import { formatTime, systemClock } from "../core/time.ts";
import type { ControlClient } from "./control-client.ts";

export interface BurningSession {
  readonly virtual_key: string | null;
  readonly session: string | null;
  /** The one that cost most of it. */
  readonly model: string | null;
  readonly usd_per_hour: number;
  /** Over the last 24 hours. */
  readonly usd_day: number;
}

export interface UsedBudget {
  readonly scope: string;
  readonly per: string;
  readonly limit_usd: string;
  readonly settled_usd: string;
  readonly held_usd: string;
  /** Settled ÷ cap; null for a cap of 0. */
  readonly utilization: number | null;
}

export interface Refusal {
  readonly time: string;
  readonly virtual_key: string | null;
  readonly refusal: string | null;
  readonly requested_model: string | null;
}

/** One look at a gateway. */
export interface TopReading {
  readonly time: string;
  readonly version: string;
  readonly node: string;
  readonly mode: string;
  /** What rates are taken over. */
  readonly span_seconds: number;
  readonly usd_per_hour: number;
  /** That have ended within the span. */
  readonly requests: number;
  readonly in_flight: number;
  readonly held_usd: string;
  /** The fastest first. */
  readonly sessions: readonly BurningSession[];
  /** The most used first. */
  readonly budgets: readonly UsedBudget[];
  readonly troubles: readonly string[];
  /** The latest first. */
  readonly refusals: readonly Refusal[];
}

interface UsageGroup {
  readonly virtual_key: string | null;
  readonly session: string | null;
  readonly model: string | null;
  readonly requests: number;
  readonly cost_usd: string;
}

interface BudgetEntry extends Omit<UsedBudget, "scope"> {
  readonly scope: { readonly type: string; readonly id: string };
}

const SPAN_MS = 300_000;
const SPAN_LEAST_MS = 10_000;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A question that took so long is asked again only after this many times as long. */
const REST = 20;
const REFUSALS_MS = 900_000;
const LISTED_MAX = 20;

/** A reader that asks seldom for what takes the gateway long: all budgets, and the day's totals. */
export function createTopReader(control: ControlClient): () => Promise<TopReading> {
  const totalsAt = seldom((nowMs) => dayTotals(control, nowMs));
  const budgetsAt = seldom(() => control.all("/api/v1/budgets"));
  return async () => {
    const status = (await control.call("GET", "/api/v1/status")) as Status;
    const nowMs = Date.parse(status.time);
    const sinceStartMs = nowMs - Date.parse(status.started);
    const spanMs = Math.min(SPAN_MS, Math.max(SPAN_LEAST_MS, sinceStartMs));
    const groups = await usage(control, "virtual_key,session,model", nowMs - spanMs);
    const cost = groups.reduce((sum, group) => sum + Number(group.cost_usd), 0);
    return {
      time: status.time,
      version: status.version,
      node: status.node,
      mode: status.mode,
      span_seconds: Math.round(spanMs / 1000),
      usd_per_hour: perHour(cost, spanMs),
      requests: groups.reduce((sum, group) => sum + group.requests, 0),
      in_flight: status.in_flight.attempts,
      held_usd: status.in_flight.held_usd,
      sessions: burning(groups, await totalsAt(nowMs), spanMs),
      budgets: mostUsed((await budgetsAt(nowMs)) as readonly BudgetEntry[]),
      troubles: troublesOf(status),
      refusals: await refusalsSince(control, nowMs - REFUSALS_MS),
    };
  };
}

/** Keeps an answer for a while that grows with what it cost: a large gateway must not be kept busy. */
function seldom<Answer>(ask: (nowMs: number) => Promise<Answer>) {
  let kept: { readonly answer: Answer; readonly untilMs: number } | null = null;
  return async (nowMs: number): Promise<Answer> => {
    const startMs = systemClock.monotonicMs();
    if (kept !== null && startMs < kept.untilMs) return kept.answer;
    const answer = await ask(nowMs);
    const endMs = systemClock.monotonicMs();
    kept = { answer, untilMs: endMs + REST * (endMs - startMs) };
    return answer;
  };
}

async function usage(control: ControlClient, by: string, fromMs: number): Promise<UsageGroup[]> {
  const path = `/api/v1/usage?group_by=${by}&from=${formatTime(fromMs)}`;
  return [...((await control.all(path)) as readonly UsageGroup[])];
}

async function dayTotals(control: ControlClient, nowMs: number): Promise<Map<string, number>> {
  const groups = await usage(control, "virtual_key,session", nowMs - DAY_MS);
  return new Map(groups.map((group) => [nameOf(group), Number(group.cost_usd)]));
}

function nameOf({ virtual_key: key, session }: UsageGroup): string {
  return JSON.stringify([key, session]);
}

function burning(
  groups: readonly UsageGroup[],
  totals: ReadonlyMap<string, number>,
  spanMs: number,
): BurningSession[] {
  // Groups come with the dearest first, so the first model of a session is the one that cost most.
  const sessions = new Map<string, { group: UsageGroup; cost: number }>();
  for (const group of groups) {
    const known = sessions.get(nameOf(group)) ?? { group, cost: 0 };
    known.cost += Number(group.cost_usd);
    sessions.set(nameOf(group), known);
  }
  return [...sessions]
    .filter(([, { cost }]) => cost > 0)
    .toSorted(([, left], [, right]) => right.cost - left.cost)
    .slice(0, LISTED_MAX)
    .map(([name, { group, cost }]) => ({
      virtual_key: group.virtual_key,
      session: group.session,
      model: group.model,
      usd_per_hour: perHour(cost, spanMs),
      usd_day: Math.max(cost, totals.get(name) ?? 0),
    }));
}

function perHour(cost: number, spanMs: number): number {
  return (cost * HOUR_MS) / spanMs;
}

function mostUsed(budgets: readonly BudgetEntry[]): UsedBudget[] {
  return budgets
    .toSorted((left, right) => (right.utilization ?? 1) - (left.utilization ?? 1))
    .slice(0, LISTED_MAX)
    .map(({ scope, per, limit_usd, settled_usd, held_usd, utilization }) => ({
      scope: `${scope.type} ${scope.id}`,
      per,
      limit_usd,
      settled_usd,
      held_usd,
      utilization,
    }));
}

function troublesOf(status: Status): string[] {
  const { reasons, provider_troubles, configuration_fault, invariant_breaches, views } = status;
  return [
    ...reasons,
    ...invariant_breaches,
    ...provider_troubles,
    ...(configuration_fault === null ? [] : [configuration_fault]),
    ...(views.error === null ? [] : [views.error]),
  ];
}

async function refusalsSince(control: ControlClient, fromMs: number): Promise<Refusal[]> {
  const path = `/api/v1/requests?outcome=refused&limit=${LISTED_MAX}&from=${formatTime(fromMs)}`;
  const { data } = (await control.call("GET", path)) as { readonly data: readonly Refusal[] };
  return data.map(({ time, virtual_key, refusal, requested_model }) => ({
    time,
    virtual_key,
    refusal,
    requested_model,
  }));
}
