/** `GET /me`: what a developer may know of the own key: its budgets, limits and sessions. */
import { formatUsd, nanoUsd } from "../core/money.ts";
import { formatTime } from "../core/time.ts";
import { isOfSessions, perText, scopeOf } from "../ledger/meter.ts";
import type { Window } from "../ledger/state.ts";
import type { Plan } from "../policy/plan.ts";
import type { SessionId } from "../policy/sessions/halts.ts";
import { answerJson } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./ports.ts";

/** Answers for the caller's own key alone. */
export function serveMe(exchange: Exchange, plan: Plan, gateway: Gateway): null {
  const nowMs = gateway.ledgerClock.nowMs();
  const meters = [...plan.meters, ...plan.providers.flatMap((use) => use.meters)];
  const windows = meters
    .filter((meter) => !isOfSessions(meter))
    .map((meter) => gateway.ledger.windowAt(meter, nowMs, null));
  for (const window of gateway.ledger.windows())
    if (window.session?.virtualKey === plan.virtualKey) windows.push(window);
  answerJson(exchange, {
    virtual_key: plan.virtualKey,
    owner: plan.owner,
    team: plan.team,
    budgets: windows.filter((window) => window.meter.unit === "usd").map(budgetOf),
    limits: windows.filter((window) => window.meter.unit !== "usd").map(limitOf),
    sessions: [...gateway.sessions.of(plan.virtualKey)].map(([session, lastUsedMs]) =>
      sessionOf({ virtualKey: plan.virtualKey, session }, lastUsedMs, gateway),
    ),
  });
  return null;
}

/** Its state and figures are those of the session that its requests count to. */
function sessionOf(id: SessionId, lastUsedMs: number, { sessionBook }: Gateway) {
  const { virtualKey, session } = id;
  const continued = sessionBook.conversations.continuedBy(id);
  const counted = continued === null ? id : { virtualKey, session: continued };
  const halt = sessionBook.halts.of(id) ?? sessionBook.halts.of(counted);
  const tracked = sessionBook.find(counted);
  return {
    session,
    last_used: formatTime(lastUsedMs),
    state: halt?.state ?? "running",
    reason: halt?.reason ?? null,
    requests: tracked?.requests ?? 0,
    spent_usd: formatUsd(nanoUsd(tracked?.spent ?? 0n)),
    agents: tracked?.agents?.size ?? 0,
  };
}

function budgetOf(window: Window) {
  const cap = window.meter.cap ?? 0n;
  return {
    ...commonOf(window),
    limit_usd: formatUsd(nanoUsd(cap)),
    settled_usd: formatUsd(nanoUsd(window.settled)),
    held_usd: formatUsd(nanoUsd(window.held)),
    remaining_usd: formatUsd(nanoUsd(cap - window.settled - window.held)),
  };
}

function limitOf(window: Window) {
  const { unit, cap } = window.meter;
  const [limit, used] = [cap ?? 0n, window.settled + window.held];
  if (unit !== "cost")
    return { ...commonOf(window), unit, limit: Number(limit), used: Number(used) };
  return {
    ...commonOf(window),
    unit,
    limit_usd: formatUsd(nanoUsd(limit)),
    used_usd: formatUsd(nanoUsd(used)),
  };
}

function commonOf(window: Window) {
  const { session, startMs, endMs, meter } = window;
  return {
    scope: session === null ? meter.scope : scopeOf(session),
    per: perText(meter.span),
    window: {
      start: startMs === null ? null : formatTime(startMs),
      end: endMs === null ? null : formatTime(endMs),
    },
  };
}
