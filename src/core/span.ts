/** Over which stretch of time a budget or a limit counts; and in what unit. */

export const CALENDAR_PERIODS = ["second", "minute", "hour", "day", "week", "month"] as const;
export type CalendarPeriod = (typeof CALENDAR_PERIODS)[number];

export type Span =
  | { readonly kind: "calendar"; readonly per: CalendarPeriod; readonly timeZone: string }
  /** `text` is what the file says: "5h". */
  | { readonly kind: "rolling"; readonly spanMs: number; readonly text: string }
  | { readonly kind: "total" }
  | { readonly kind: "session" }
  /** One agent of a session, as the client's header names it. */
  | { readonly kind: "subagent" };

/** What a window counts. Money is in nano-dollars, the rest in plain numbers. `usd` is a budget, `cost` a rate limit. */
export type Unit = "usd" | "cost" | "requests" | "input_tokens" | "output_tokens" | "concurrent";

export const SCOPE_TYPES = [
  "customer",
  "team",
  "owner",
  "virtual_key",
  "provider_config",
  "session",
  "subagent",
] as const;
/** The levels of the chain, outermost first. `session` and `subagent` are windows of budgets `per` these. */
export type ScopeType = (typeof SCOPE_TYPES)[number];

/** Whose window it is. A provider config's id is `key/provider`; a session's is `key/session id`, a subagent's `session id/agent`. */
export interface Scope {
  readonly type: ScopeType;
  readonly id: string;
}

/** The account behind a provider's key, `provider/key`: no level of a chain; it has limits, and no budget. */
export interface AccountScope {
  readonly type: "provider_key";
  readonly id: string;
}

/** As a file would say it: "4h", "90m"; read by the file's grammar of durations. */
export function durationText(durationMs: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ] as const;
  const [unit, sizeMs] = units.find(([, size]) => durationMs % size === 0) ?? (["ms", 1] as const);
  return `${durationMs / sizeMs}${unit}`;
}
