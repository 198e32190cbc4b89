/** Turns a shortage into what the client is told: what is exhausted · when it resets · what to do next. */
import { refusal, type Refusal } from "../core/refusal.ts";
import { nanoUsd, formatUsd } from "../core/money.ts";
import type { CalendarPeriod, Span } from "../core/span.ts";
import { headroomOf, isOfAccount, mostOf, type Books, type Shortage } from "../ledger/decide.ts";
import { perText } from "../ledger/meter.ts";
import type { Window } from "../ledger/state.ts";

/** A hold that only others keep out is often gone in seconds. */
const BUSY_RETRY_SECONDS = 5;
const CONCURRENCY_RETRY_SECONDS = 2;
/** A limit that nothing refills: the configuration must change first. */
const NEVER_RETRY_SECONDS = 3600;
/** Up to here a time is told in seconds. */
const SOON_SECONDS = 120;
const MINUTE_MS = 60_000;
const NANO_PER_CENT = 10_000_000n;
const CALENDAR_NAMES: Readonly<Record<CalendarPeriod, string>> = {
  second: "per-second",
  minute: "per-minute",
  hour: "hourly",
  day: "daily",
  week: "weekly",
  month: "monthly",
};
const UNIT_NAMES: Readonly<Record<string, string>> = {
  s: "second",
  m: "minute",
  h: "hour",
  d: "day",
};
const UNIFIED = "anthropic-ratelimit-unified";
/** Client words for the periods that it knows. */
const OVERAGE_PERIODS: Readonly<Record<string, string>> = {
  day: "daily",
  week: "weekly",
  month: "monthly",
};

/** The refusal for one shortage, by the scope whose cap it is; `nowMs` is the ledger's time. */
export function explainShortage(shortage: Shortage, books: Books, nowMs: number): Refusal {
  const { window } = shortage;
  if (isOfAccount(shortage)) return providerFull(providerOf(window), roomInMs(shortage, nowMs));
  return { ...explainOwn(shortage, books, nowMs), by: scopeText(window) };
}

/** "team/platform". */
export function scopeText({ meter: { scope } }: Window): string {
  return `${scope.type}/${scope.id}`;
}

/** The refusal for a shortage of the chain's own. */
function explainOwn(shortage: Shortage, books: Books, nowMs: number): Refusal {
  const { window } = shortage;
  switch (shortage.code) {
    case "rate_limited":
      return shortage.asked === undefined
        ? explainRate(shortage, nowMs)
        : explainReservation(shortage, shortage.asked, { books, nowMs });
    case "limit_busy":
      return refusal(
        "rate_limited",
        `${capital(subject(window))} has no room in its limit of ${limitText(window)} beside what requests in ` +
          "flight hold; room comes when they settle; try again in a moment.",
        { "retry-after": String(BUSY_RETRY_SECONDS) },
      );
    case "concurrency_limited":
      return refusal(
        "concurrency_limited",
        `${capital(subject(window))} has ${counted(window.meter.cap, "request")} in flight, all that it ` +
          "may have at once; room comes when one of them ends; try again in a moment.",
        { "retry-after": String(CONCURRENCY_RETRY_SECONDS) },
      );
    case "budget_busy":
      return refusal(
        "budget_busy",
        `${budgetName(window)} has no room beside what requests in flight hold; ` +
          "room comes when they settle; try again in a moment.",
        { "retry-after": String(BUSY_RETRY_SECONDS) },
      );
    case "request_exceeds_budget":
      return refusal("request_exceeds_budget", exceedsMessage(window, books));
    case "budget_exhausted":
      return explainExhausted(shortage, nowMs);
  }
}

function explainRate({ window, resetMs }: Shortage, nowMs: number): Refusal {
  const seconds = resetMs === null ? NEVER_RETRY_SECONDS : secondsUntil(resetMs, nowMs);
  const room = resetMs === null ? "none comes back" : `room comes ${when(resetMs, window, nowMs)}`;
  return refusal(
    "rate_limited",
    `${capital(subject(window))} has used its limit of ${limitText(window)}; ${room}; ` +
      "wait, or ask your platform team for a higher limit.",
    { "retry-after": String(seconds) },
  );
}

/** A limit that holds what a request can use at most: what is left, what the request needs, and when it fits. */
function explainReservation(
  shortage: Shortage,
  asked: bigint,
  { books, nowMs }: { readonly books: Books; readonly nowMs: number },
): Refusal {
  const { window, resetMs } = shortage;
  const left = headroomOf(window, books);
  if (resetMs !== null && left <= 0n) return explainRate(shortage, nowMs);
  const ask = "ask your platform team for a higher limit";
  const needs = `this request needs up to ${amountText(window, asked)}`;
  const owner = capital(subject(window));
  if (asked > mostOf(window))
    return neverAgain(
      `${owner} has a limit of ${limitText(window)}; ${needs}, and one of ` +
        `${amountText(window, mostOf(window))} would fit; use /compact or /clear, or ${ask}.`,
    );
  const rest = left > 0n ? `${amountText(window, left)} left` : "nothing left";
  const state = `${owner} has ${rest} of its limit of ${limitText(window)}, and ${needs}`;
  if (resetMs === null) return neverAgain(`${state}; none comes back; ${remedyOfLimit(window)}.`);
  return refusal(
    "rate_limited",
    `${state}; room comes ${when(resetMs, window, nowMs)}; wait, or ${ask}.`,
    {
      "retry-after": String(secondsUntil(resetMs, nowMs)),
    },
  );
}

/** Time alone helps nobody: a client that tries again is told the same. */
function neverAgain(sentence: string): Refusal {
  return refusal("rate_limited", sentence, {
    "retry-after": String(NEVER_RETRY_SECONDS),
    "x-should-retry": "false",
  });
}

function remedyOfLimit({ meter: { span } }: Window): string {
  const ask = "ask your platform team for a higher limit";
  return span?.kind === "session" ? `start a new session or ${ask}` : ask;
}

/** "600 requests per minute", "$5 per hour". */
function limitText(window: Window): string {
  const { cap, span } = window.meter;
  return `${amountText(window, cap ?? 0n)} per ${perText(span)}`;
}

/** "5000 input tokens", "$0.50". */
function amountText({ meter: { unit } }: Window, amount: bigint): string {
  if (unit === "cost") return dollars(amount);
  return counted(amount, unit.replace("_", " ").replace(/s$/, ""));
}

/**
 * 429 where the accounts of a provider may take no more. Which of its keys they stand behind is not told.
 *
 * @param inMs Until a request can be served; Infinity: not by itself.
 */
export function providerFull(provider: string, inMs: number): Refusal {
  const isSoon = Number.isFinite(inMs);
  const seconds = isSoon ? Math.max(1, Math.ceil(inMs / 1000)) : NEVER_RETRY_SECONDS;
  const room = isSoon ? `room comes in ${seconds} s` : "none comes back by itself";
  return refusal(
    "rate_limited",
    `Provider ${provider} is at the capacity that is configured for it; ${room}; ` +
      "wait, or ask your platform team for more capacity.",
    { "retry-after": String(seconds) },
  );
}

/** In how many milliseconds a limit has room again, by its window or by what is usual; Infinity: never. */
export function roomInMs({ code, resetMs }: Shortage, nowMs: number): number {
  if (resetMs !== null) return Math.max(0, resetMs - nowMs);
  return code === "concurrency_limited" ? CONCURRENCY_RETRY_SECONDS * 1000 : Infinity;
}

/** An account's id is "provider/key"; neither has a slash. */
function providerOf({ meter: { scope } }: Window): string {
  return scope.id.slice(0, scope.id.indexOf("/"));
}

function exceedsMessage(window: Window, books: Books): string {
  const left = headroomOf(window, books);
  const room =
    left > 0n
      ? `has ${dollarsLeft(left)} left, which this request's context does not fit into`
      : "has nothing left beside what requests in flight hold";
  return (
    `${budgetName(window)} ${room}; a smaller request can still fit; ` +
    "use /compact or /clear, or a smaller model."
  );
}

function explainExhausted(shortage: Shortage, nowMs: number): Refusal {
  const { window, resetMs } = shortage;
  const resets =
    resetMs === null ? "it does not reset" : `it resets ${when(resetMs, window, nowMs)}`;
  const state = window.meter.cap === 0n ? "allows no spending" : "is used up";
  return refusal(
    "budget_exhausted",
    `${budgetName(window)} ${state}; ${resets}; ${remedy(window)}.`,
    exhaustedHeaders(shortage, nowMs),
  );
}

function remedy({ meter: { scope, span } }: Window): string {
  const increase = "ask your platform team for an increase";
  if (span?.kind === "session") return `start a new session or ${increase}`;
  if (scope.type === "virtual_key") return `${increase} or use another key`;
  if (scope.type === "provider_config") return `${increase} or choose a model of another provider`;
  return increase;
}

/** Observed on the client: with these it stops at once and shows the sentence. */
function exhaustedHeaders(shortage: Shortage, nowMs: number): Record<string, string> {
  const { window, resetMs } = shortage;
  const { span } = window.meter;
  const period = span?.kind === "calendar" ? OVERAGE_PERIODS[span.per] : undefined;
  const reset = resetMs === null ? null : String(Math.ceil(resetMs / 1000));
  return {
    ...(resetMs === null ? {} : { "retry-after": String(secondsUntil(resetMs, nowMs)) }),
    [`${UNIFIED}-status`]: "rejected",
    ...(reset === null ? {} : { [`${UNIFIED}-reset`]: reset, [`${UNIFIED}-overage-reset`]: reset }),
    [`${UNIFIED}-overage-utilization`]: "1",
    [`${UNIFIED}-overage-surpassed-threshold`]: "1",
    ...(period === undefined ? {} : { [`${UNIFIED}-overage-period`]: period }),
    [`${UNIFIED}-overage-disabled-reason`]: "org_spend_cap_reached",
    ...(isShared(window) ? { [`${UNIFIED}-overage-scope`]: "group_pool" } : {}),
  };
}

/** Others spend from it too; a session is one developer's even where a team's budget caps it. */
function isShared({ meter: { scope, span } }: Window): boolean {
  return span?.kind !== "session" && (scope.type === "customer" || scope.type === "team");
}

function secondsUntil(resetMs: number, nowMs: number): number {
  return Math.max(1, Math.ceil((resetMs - nowMs) / 1000));
}

/** "The monthly budget of team platform ($4000)". */
function budgetName(window: Window): string {
  const { span, cap } = window.meter;
  return `The ${spanName(span)} budget of ${subject(window)} (${dollars(cap ?? 0n)})`;
}

/** "monthly", "per-minute", "rolling 5-hour", "total", "session". */
function spanName(span: Span | null): string {
  if (span?.kind === "calendar") return CALENDAR_NAMES[span.per];
  if (span?.kind !== "rolling") return perText(span);
  const unit = UNIT_NAMES[span.text.slice(-1)];
  return `rolling ${unit === undefined ? span.text : `${span.text.slice(0, -1)}-${unit}`}`;
}

function subject(window: Window): string {
  const { type, id } = window.meter.scope;
  const names: Readonly<Record<string, string>> = {
    virtual_key: "key",
    provider_config: "provider config",
  };
  return `${names[type] ?? type} ${id}`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** "1 request", "600 requests". */
function counted(amount: bigint | null, noun: string): string {
  return `${amount ?? 0n} ${noun}${amount === 1n ? "" : "s"}`;
}

/** An exact amount: "$30", "$0.50", "$0.0025". */
function dollars(amount: bigint): string {
  return `$${formatUsd(nanoUsd(amount)).replace(/(\.\d)$/, "$10")}`;
}

/** What is left, in whole cents and never more than there is. */
function dollarsLeft(amount: bigint): string {
  return amount < NANO_PER_CENT ? "less than $0.01" : dollars(amount - (amount % NANO_PER_CENT));
}

/** "in 37 s" where that is soon, else the minute by whose beginning it has come. */
function when(resetMs: number, window: Window, nowMs: number): string {
  const seconds = secondsUntil(resetMs, nowMs);
  if (seconds <= SOON_SECONDS) return `in ${seconds} s`;
  const { span } = window.meter;
  const timeZone = span?.kind === "calendar" ? span.timeZone : "UTC";
  const text = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    dateStyle: "short",
    timeStyle: "short",
  }).format(Math.ceil(resetMs / MINUTE_MS) * MINUTE_MS);
  return `at ${text} ${timeZone}`;
}
