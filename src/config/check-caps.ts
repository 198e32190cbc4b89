/** Budgets and rate limits: each has one unit and one window, and no two of a scope are the same. */
import type { Checking, FileDraft } from "./check.ts";
import { type Draft, isWritten, itemsOf } from "./draft.ts";
import type { Path } from "./fault.ts";
import { parseDuration, resolveTimeZone } from "./scalar.ts";
import type { ConfigInput } from "./schema.ts";

const UNITS = ["requests", "input_tokens", "output_tokens", "usd", "concurrent"] as const;
/** Token buckets count nano-dollars in numbers that are exact. */
const BURST_USD_MAX = 9_000_000;

type CustomerInput = NonNullable<ConfigInput["customers"]>[number];
type BudgetDraft = Draft<NonNullable<CustomerInput["budgets"]>[number]>;
type LimitDraft = Draft<NonNullable<CustomerInput["rate_limits"]>[number]>;

/** A scope of the file that can have caps. */
interface GovernedDraft {
  readonly budgets?: readonly (BudgetDraft | undefined)[] | undefined;
  readonly rate_limits?: readonly (LimitDraft | undefined)[] | undefined;
}

export function checkCaps(checking: Checking): void {
  for (const [path, scope] of governedOf(checking.draft)) {
    checkBudgets(checking, path, scope);
    checkLimits(checking, path, scope);
  }
  for (const [path, key] of accountsOf(checking.draft)) {
    checkLimits(checking, path, key);
    checkAccount(checking, path, key);
  }
}

/** Every scope of the file that can have caps, with its path; a key before its provider configs. */
function* governedOf(draft: FileDraft): Generator<[Path, GovernedDraft]> {
  for (const name of ["customers", "teams", "owners", "virtual_keys"] as const) {
    for (const [index, entity] of itemsOf<GovernedDraft>(draft[name]))
      yield [[name, index], entity];
  }
  for (const [index, key] of itemsOf(draft.virtual_keys)) {
    for (const [at, provider] of itemsOf(key.providers)) {
      yield [["virtual_keys", index, "providers", at], provider];
    }
  }
}

/** Every key of a provider: the account behind it has limits, but no budget. */
function* accountsOf(draft: FileDraft): Generator<[Path, GovernedDraft]> {
  for (const [index, provider] of itemsOf(draft.providers))
    for (const [at, key] of itemsOf<GovernedDraft>(provider.keys))
      yield [["providers", index, "keys", at], key];
}

/** Sessions are a client's, and no account tells them apart; what settles there counts, and nothing is held. */
function checkAccount({ report }: Checking, path: Path, { rate_limits: limits }: GovernedDraft) {
  for (const [index, limit] of itemsOf(limits)) {
    const at = [...path, "rate_limits", index];
    if (limit.per === "session" || limit.per === "subagent") {
      const message =
        "a provider's key knows no sessions: write another period, such as per: minute";
      report([...at, "per"], message);
    }
    if (isWritten(limit, "overshoot"))
      report(
        [...at, "overshoot"],
        "a provider's key holds nothing to go over: leave overshoot out",
      );
  }
}

function checkBudgets(checking: Checking, scope: Path, { budgets }: GovernedDraft): void {
  const seen = new Map<string, number>();
  for (const [index, budget] of itemsOf(budgets)) {
    const path = [...scope, "budgets", index];
    if (!checkWindow(checking, path, budget)) continue;
    const window = windowOf(budget, zoneOf(checking.draft, budget));
    const first = window === null ? undefined : seen.get(window);
    if (window !== null && first === undefined) seen.set(window, index);
    if (first === undefined) continue;
    const line = checking.lineOf([...scope, "budgets", first]);
    const message = `a second budget of this scope for the same period and zone: keep one, the first is at line ${line}`;
    checking.report(path, message);
  }
}

function checkLimits(
  checking: Checking,
  scope: Path,
  { rate_limits: limits }: GovernedDraft,
): void {
  const seen = new Map<string, number>();
  for (const [index, limit] of itemsOf(limits)) {
    const path = [...scope, "rate_limits", index];
    const unit = checkUnit(checking, path, limit);
    if (unit === null || !checkLimitWindow(checking, path, { limit, unit })) continue;
    const window = unit === "concurrent" ? "" : windowOf(limit, "");
    const identity = window === null ? null : `${unit} ${window}`;
    const first = identity === null ? undefined : seen.get(identity);
    if (identity !== null && first === undefined) seen.set(identity, index);
    if (first === undefined) continue;
    const line = checking.lineOf([...scope, "rate_limits", first]);
    checking.report(
      path,
      `a second limit on ${unit} for the same period: keep one, the first is at line ${line}`,
    );
  }
}

type Unit = (typeof UNITS)[number];

function checkUnit({ report }: Checking, path: Path, limit: LimitDraft): Unit | null {
  const [unit, ...others] = UNITS.filter((name) => isWritten(limit, name));
  if (unit !== undefined && others.length === 0) return unit;
  const message =
    unit === undefined
      ? `limits nothing: add one of ${UNITS.join(", ")}`
      : `limits ${[unit, ...others].join(" and ")} at once: write one limit for each`;
  report(path, message);
  return null;
}

function checkLimitWindow(
  checking: Checking,
  path: Path,
  { limit, unit }: { readonly limit: LimitDraft; readonly unit: Unit },
): boolean {
  if (unit === "concurrent") {
    const fields = ["per", "rolling", "burst", "overshoot"] as const;
    const extra = fields.filter((field) => isWritten(limit, field));
    for (const field of extra) {
      checking.report([...path, field], `concurrent counts what is in flight: leave ${field} out`);
    }
    return extra.length === 0;
  }
  if (!checkWindow(checking, path, limit)) return false;
  if (unit === "requests" && isWritten(limit, "overshoot")) {
    const message = "requests are counted one by one and go over nothing: leave overshoot out";
    checking.report([...path, "overshoot"], message);
  }
  if (!isWritten(limit, "burst")) return true;
  if (unit === "usd" && (limit.burst ?? 0) > BURST_USD_MAX)
    checking.report([...path, "burst"], `is more than ${BURST_USD_MAX} dollars: write less`);
  if (!isWritten(limit, "rolling") && !isEndless(limit.per)) return true;
  const message =
    "burst needs a rate to refill at: use per with second, minute, hour, day, week or month";
  checking.report([...path, "burst"], message);
  return false;
}

/** A window is either `per` or `rolling`; reports and returns false where it is both or none. */
function checkWindow(
  { report }: Checking,
  path: Path,
  cap: { per?: unknown; rolling?: unknown },
): boolean {
  const hasPer = isWritten(cap, "per");
  const hasRolling = isWritten(cap, "rolling");
  if (hasPer !== hasRolling) return true;
  if (hasPer) report([...path, "rolling"], "stands beside per: keep one of the two");
  else report(path, "needs a period: add per, such as per: day, or rolling, such as rolling: 5h");
  return false;
}

/** One text for all caps with the same window; null where the window itself is faulty. */
function windowOf(
  cap: { readonly per?: string | undefined; readonly rolling?: string | undefined },
  timeZone: string | null,
): string | null {
  if (cap.rolling !== undefined) return `rolling ${parseDuration(cap.rolling)}`;
  if (cap.per === undefined) return null;
  if (isEndless(cap.per)) return cap.per;
  if (timeZone === null) return null;
  return `${cap.per} ${resolveTimeZone(timeZone) ?? timeZone}`;
}

/** Windows that never reset, and need no zone. */
function isEndless(per: string | undefined): per is "total" | "session" | "subagent" {
  return per === "total" || per === "session" || per === "subagent";
}

/** The zone of a budget's windows; null where it is faulty. */
function zoneOf(draft: FileDraft, budget: BudgetDraft): string | null {
  if (isWritten(budget, "time_zone")) return budget.time_zone ?? null;
  return isWritten(draft, "time_zone") ? (draft.time_zone ?? null) : "UTC";
}
