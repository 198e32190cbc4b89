/** What a budget that is added in mid-window starts with: what its scope has spent and holds already. */
import type { NanoUsd } from "../core/money.ts";
import type { AccountScope, Scope } from "../core/span.ts";
import { formatTime } from "../core/time.ts";
import type { AdmitRecord, OpeningBalance } from "../journal/record.ts";
import type { Hold, Ledger } from "../ledger/ledger.ts";
import { isOfAgents, newWindow } from "../ledger/meter.ts";
import type { Meter, SessionName, Window } from "../ledger/state.ts";
import { bucketIndex, bucketStartMs } from "../ledger/window.ts";
import { sessionWindowName } from "../policy/sessions.ts";

/** Asks the views what was settled; exact up to `uptoSeq`. */
export interface SpendingHistory {
  readonly spent: (query: {
    readonly scope: Scope;
    readonly virtualKey?: string;
    readonly fromMs: number;
    readonly toMs?: number;
    readonly uptoSeq: number;
  }) => Promise<NanoUsd>;
  /** All keys of which anything is known. */
  readonly spenders: (uptoSeq: number) => Promise<ReadonlySet<string>>;
  /** Sessions of a scope that spent anything since `fromMs`. */
  readonly sessions: (query: {
    readonly scope: Scope;
    readonly fromMs: number;
    readonly uptoSeq: number;
  }) => Promise<
    readonly {
      readonly virtualKey: string;
      /** As the client sent it. */
      readonly session: string | null;
      readonly spent: NanoUsd;
    }[]
  >;
}

const DAY_MS = 86_400_000;
const IDLE_SESSION_MS = 30 * DAY_MS;

/** Opening balances of the meters' current windows, by the journal up to `uptoSeq`. */
export async function openingBalances(
  meters: readonly Meter[],
  history: SpendingHistory,
  at: { readonly nowMs: number; readonly uptoSeq: number },
): Promise<OpeningBalance[]> {
  const openings: OpeningBalance[] = [];
  // Thousands of keys can be made at once, and none of them has spent anything yet.
  const spenders = await history.spenders(at.uptoSeq);
  for (const meter of meters) {
    if (!isOpened(meter) || isNewKey(meter.scope, spenders)) continue;
    openings.push(...(await openingsOf(meter, history, at)));
  }
  return openings.filter((opening) => opening.amount !== "0");
}

/** Budgets begin with what was spent before; those of subagents, which are short-lived, with nothing. */
function isOpened(meter: Meter): boolean {
  return meter.unit === "usd" && !isOfAgents(meter);
}

function isNewKey({ type, id }: Scope | AccountScope, spenders: ReadonlySet<string>): boolean {
  if (type === "virtual_key") return !spenders.has(id);
  // "key/provider"; neither has a slash.
  return type === "provider_config" && !spenders.has(id.slice(0, id.indexOf("/")));
}

async function openingsOf(
  meter: Meter,
  history: SpendingHistory,
  at: { readonly nowMs: number; readonly uptoSeq: number },
): Promise<OpeningBalance[]> {
  const { nowMs, uptoSeq } = at;
  const { scope, span } = meter;
  if (scope.type === "provider_key") return [];
  if (span?.kind === "session") return sessionOpenings(meter, { scope, history, ...at });
  const window = newWindow(meter, nowMs, null);
  if (span?.kind !== "rolling") {
    const spent = await history.spent({ scope, fromMs: window.startMs ?? 0, uptoSeq });
    return [balance(window, spent, nowMs)];
  }
  const { spanMs } = span;
  const openings: OpeningBalance[] = [];
  const [first, last] = [bucketIndex(spanMs, nowMs - spanMs), bucketIndex(spanMs, nowMs)];
  for (let index = first; index <= last; index++) {
    const range = { fromMs: bucketStartMs(spanMs, index), toMs: bucketStartMs(spanMs, index + 1) };
    const spent = await history.spent({ scope, ...range, uptoSeq });
    openings.push(balance(window, spent, range.fromMs));
  }
  return openings;
}

/** Named sessions count since they were last idle for long; without a usable name it is the day's. */
async function sessionOpenings(
  meter: Meter,
  of: {
    readonly scope: Scope;
    readonly history: SpendingHistory;
    readonly nowMs: number;
    readonly uptoSeq: number;
  },
): Promise<OpeningBalance[]> {
  const { scope, history, nowMs, uptoSeq } = of;
  const dayStartMs = nowMs - (nowMs % DAY_MS);
  const named = await history.sessions({ scope, fromMs: nowMs - IDLE_SESSION_MS, uptoSeq });
  const today = await history.sessions({ scope, fromMs: dayStartMs, uptoSeq });
  const hasName = ({ session }: { readonly session: string | null }) =>
    sessionWindowName(session, nowMs) === session;
  return [...named.filter(hasName), ...today.filter((unnamed) => !hasName(unnamed))].map(
    ({ virtualKey, session, spent }) => {
      const name = sessionWindowName(session, nowMs);
      return balance(newWindow(meter, nowMs, { virtualKey, name }), spent, nowMs);
    },
  );
}

function balance(window: Window, spent: bigint, atMs: number): OpeningBalance {
  return { window: window.key, amount: String(spent), at: formatTime(atMs) };
}

/** The share of a settlement in the meters' windows, as balances. */
export function lateBalances(meters: readonly Meter[], hold: Hold, cost: bigint): OpeningBalance[] {
  const { record, admittedMs } = hold;
  const money = meters.filter(isOpened);
  return windowsInScope(money, record, admittedMs).map((window) =>
    balance(window, cost, admittedMs),
  );
}

/** Who spends, as an attempt's record says. */
type Spender = Pick<AdmitRecord, "customer" | "team" | "owner" | "virtual_key" | "session"> & {
  readonly provider: string | null;
};

/** The windows of the meters, as new ones, to which a charge of that moment belongs. */
export function windowsInScope(
  meters: readonly Meter[],
  spender: Spender,
  admittedMs: number,
): Window[] {
  return meters
    .filter((meter) => !isOfAgents(meter) && isInScope(meter.scope, spender))
    .map((meter) => newWindow(meter, admittedMs, sessionOf(meter, spender, admittedMs)));
}

/** Open attempts that lie in the new meters' windows, by hold: the windows that they enter. */
export function adoptions(
  meters: readonly Meter[],
  ledger: Ledger,
  nowMs: number,
): ReadonlyMap<Hold, Window[]> {
  const adopted = new Map<Hold, Window[]>();
  for (const hold of ledger.holds()) {
    const entered = meters
      .filter((meter) => isOpened(meter) && isInScope(meter.scope, hold.record))
      .map((meter) => ledger.windowAt(meter, nowMs, sessionOf(meter, hold.record, hold.admittedMs)))
      .filter((window) => window.startMs === null || hold.admittedMs >= window.startMs);
    if (entered.length > 0) adopted.set(hold, entered);
  }
  return adopted;
}

/** The session whose window an attempt enters; null for meters that count no sessions. */
function sessionOf(
  meter: Meter,
  { virtual_key: virtualKey, session }: Spender,
  admittedMs: number,
): SessionName | null {
  if (meter.span?.kind !== "session" || virtualKey === null) return null;
  return { virtualKey, name: sessionWindowName(session, admittedMs) };
}

function isInScope(scope: Scope | AccountScope, record: Spender): boolean {
  switch (scope.type) {
    case "customer":
      return record.customer === scope.id;
    case "team":
      return record.team === scope.id;
    case "owner":
      return record.owner === scope.id;
    case "virtual_key":
      return record.virtual_key === scope.id;
    case "provider_config":
      return `${record.virtual_key}/${record.provider}` === scope.id;
    case "session":
    case "subagent":
    case "provider_key":
      return false;
  }
}
