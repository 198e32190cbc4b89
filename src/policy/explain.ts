/** Turns a shortage into what the client is told: what is exhausted · when it resets · what to do next. */
import { refusal, type Refusal } from "../core/refusal.ts";
import { nanoUsd, formatUsd } from "../core/money.ts";
import { headroomOf, type Books, type Shortage } from "../ledger/decide.ts";
import { perText } from "../ledger/meter.ts";
import type { Window } from "../ledger/state.ts";

/** A hold that only others keep out is often gone in seconds. */
const BUSY_RETRY_SECONDS = 5;
const CONCURRENCY_RETRY_SECONDS = 2;
const UNIFIED = "anthropic-ratelimit-unified";
/** Client words for the periods that it knows. */
const OVERAGE_PERIODS: Readonly<Record<string, string>> = {
  day: "daily",
  week: "weekly",
  month: "monthly",
};

/** The refusal for one shortage; `nowMs` is the ledger's time. */
export function explainShortage(shortage: Shortage, books: Books, nowMs: number): Refusal {
  switch (shortage.code) {
    case "rate_limited":
      return explainRate(shortage, nowMs);
    case "concurrency_limited":
      return refusal(
        "concurrency_limited",
        `${subject(shortage.window)} has its ${shortage.window.meter.cap} requests at once in flight; ` +
          "room comes when one of them ends; try again in a moment.",
        { "retry-after": String(CONCURRENCY_RETRY_SECONDS) },
      );
    case "budget_busy":
      return refusal(
        "budget_busy",
        `${budgetName(shortage.window)} is fully held by requests in flight; ` +
          "room comes when they settle; try again in a moment.",
        { "retry-after": String(BUSY_RETRY_SECONDS) },
      );
    case "request_exceeds_budget":
      return refusal("request_exceeds_budget", exceedsMessage(shortage.window, books));
    case "budget_exhausted":
      return explainExhausted(shortage, nowMs);
  }
}

function explainRate(shortage: Shortage, nowMs: number): Refusal {
  const { meter } = shortage.window;
  const seconds = secondsUntil(shortage.resetMs, nowMs);
  const unit = meter.unit.replace("_", " ");
  return refusal(
    "rate_limited",
    `${subject(shortage.window)} has used its ${meter.cap} ${unit} per ${perText(meter.span)}; ` +
      `room comes in ${seconds} s; wait, or ask your platform team for a higher limit.`,
    { "retry-after": String(seconds) },
  );
}

function exceedsMessage(window: Window, books: Books): string {
  const left = headroomOf(window, books);
  const dollars = left <= 0n ? "nothing" : `$${formatUsd(nanoUsd(left))}`;
  return (
    `${budgetName(window)} has ${dollars} left, which this request's context does not fit into; ` +
    "a smaller request would fit; use /compact or /clear, or a smaller model."
  );
}

function explainExhausted(shortage: Shortage, nowMs: number): Refusal {
  const { window, resetMs } = shortage;
  const next = "ask your platform team for an increase or use another key.";
  const resets =
    resetMs === null ? "it does not reset" : `it resets at ${resetText(resetMs, window)}`;
  return refusal(
    "budget_exhausted",
    `${budgetName(window)} is used up; ${resets}; ${next}`,
    exhaustedHeaders(shortage, nowMs),
  );
}

/** Observed on the client: with these it stops at once and shows the sentence. */
function exhaustedHeaders(shortage: Shortage, nowMs: number): Record<string, string> {
  const { window, resetMs } = shortage;
  const period = OVERAGE_PERIODS[perText(window.meter.span)];
  const shared = window.meter.scope.type === "customer" || window.meter.scope.type === "team";
  const reset = resetMs === null ? null : String(Math.ceil(resetMs / 1000));
  return {
    ...(reset === null ? {} : { "retry-after": String(secondsUntil(resetMs, nowMs)) }),
    [`${UNIFIED}-status`]: "rejected",
    ...(reset === null
      ? {}
      : { [`${UNIFIED}-reset`]: reset, [`${UNIFIED}-overage-reset`]: reset }),
    [`${UNIFIED}-overage-utilization`]: "1",
    [`${UNIFIED}-overage-surpassed-threshold`]: "1",
    ...(period === undefined ? {} : { [`${UNIFIED}-overage-period`]: period }),
    [`${UNIFIED}-overage-disabled-reason`]: "org_spend_cap_reached",
    ...(shared ? { [`${UNIFIED}-overage-scope`]: "group_pool" } : {}),
  };
}

function secondsUntil(resetMs: number | null, nowMs: number): number {
  return resetMs === null ? BUSY_RETRY_SECONDS : Math.max(1, Math.ceil((resetMs - nowMs) / 1000));
}

/** "The monthly budget of team platform ($4000)". */
function budgetName(window: Window): string {
  const { span, cap } = window.meter;
  const per = perText(span);
  const kind: Readonly<Record<string, string>> = {
    day: "daily",
    week: "weekly",
    month: "monthly",
    hour: "hourly",
    total: "total",
    session: "session",
  };
  const name = kind[per] ?? `${per} `.trimEnd();
  return `The ${name} budget of ${subject(window)} ($${formatUsd(nanoUsd(cap ?? 0n))})`;
}

function subject(window: Window): string {
  const { type, id } = window.meter.scope;
  const names: Readonly<Record<string, string>> = {
    virtual_key: "key",
    provider_config: "provider config",
  };
  return `${names[type] ?? type} ${id}`;
}

function resetText(resetMs: number, window: Window): string {
  const { span } = window.meter;
  const timeZone = span?.kind === "calendar" ? span.timeZone : "UTC";
  const text = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    dateStyle: "short",
    timeStyle: "short",
  }).format(resetMs);
  return `${text} ${timeZone}`;
}
