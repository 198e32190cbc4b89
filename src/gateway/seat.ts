/** Keeps a session at its door: thinking signatures and the provider's prompt cache depend on it. */
import { inputTokensOf, type BilledUsage } from "../core/usage.ts";
import type { TaskType } from "../journal/record.ts";
import { decideSeat, type TurnPrices } from "../routing/stickiness/decide.ts";
import { isWarm, type Sitter } from "../routing/stickiness/seats.ts";
import type { Candidate, Target } from "./candidates.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./ports.ts";

/** What a provider keeps a prompt for where nothing is said: Anthropic's shorter cache. */
const CACHE_MS = 5 * 60_000;
const HOUR_CACHE_MS = 60 * 60_000;
/** Side calls share no prompt with the conversation, and must not move it. */
const SITTING: ReadonlySet<TaskType> = new Set(["main", "subagent", "workflow", "compaction"]);
/** Rules alone move a session: nothing is earned back by leaving for a mere preference. */
const OUTLOOK = { freshTokens: 0, outputTokens: 0, turns: 0 } as const;

export interface Seated {
  /** In the order in which they are asked. */
  readonly candidates: readonly Candidate[];
  readonly preferredKey: string | null;
  readonly isWarm: boolean;
  /** For the row: why the session leaves its door; null where it does not. */
  readonly note: string | null;
}

/** Puts the session's own door first where it is offered and usable. */
export function seat(
  exchange: Exchange,
  candidates: readonly Candidate[],
  gateway: Gateway,
): Seated {
  const sitter = sitterOf(exchange);
  const nowMs = gateway.clock.wallMs();
  const known = sitter === null ? null : gateway.seats.recall(sitter, nowMs);
  if (known === null) return { candidates, preferredKey: null, isWarm: false, note: null };
  const offered = candidates.map((candidate) => offeredAt(candidate, exchange, gateway));
  const { first, note } = decideSeat(known, offered, OUTLOOK, nowMs);
  const chosen = candidates[first];
  if (chosen === undefined) return { candidates, preferredKey: null, isWarm: false, note };
  const others = candidates.filter((candidate) => candidate !== chosen);
  const isOwn = known.provider === chosen.use.provider.id && known.door === chosen.door.id;
  return {
    candidates: [chosen, ...others],
    preferredKey: isOwn ? known.key : null,
    isWarm: isOwn && isWarm(known, nowMs),
    note,
  };
}

/** After an answer: the session sits where it was served. */
export function sitDown(
  exchange: Exchange,
  target: Target,
  of: {
    readonly billed: BilledUsage | null;
    readonly hourCache: boolean;
    readonly gateway: Gateway;
  },
): void {
  const sitter = sitterOf(exchange);
  if (sitter === null || of.billed === null) return;
  const keptMs = of.hourCache ? HOUR_CACHE_MS : CACHE_MS;
  of.gateway.seats.remember(sitter, {
    provider: target.use.provider.id,
    key: target.credential?.id ?? null,
    door: target.door.id,
    model: target.model,
    lastAtMs: of.gateway.clock.wallMs(),
    cacheMs: target.row.can.caching === "none" ? 0 : keptMs,
    historyTokens: inputTokensOf(of.billed.usage),
  });
}

function sitterOf({ plan, subject, endpoint }: Exchange): Sitter | null {
  if (plan === null || subject === null || subject.session === null) return null;
  if (endpoint !== "messages" || !SITTING.has(subject.taskType)) return null;
  return { virtualKey: plan.virtualKey, session: subject.session, agent: subject.agent };
}

function offeredAt(candidate: Candidate, exchange: Exchange, gateway: Gateway) {
  const { use, door, model, keys, row } = candidate;
  const nowMs = gateway.clock.monotonicMs();
  const provider = use.provider.id;
  const usable = gateway.health.usableAtMs(provider, keys) <= nowMs;
  return { provider, door: door.id, model, usable, prices: pricesAt(row.kind, model) };

  function pricesAt(kind: string, name: string): TurnPrices {
    const { rates } = exchange.ruling.prices.resolve(name, gateway.ledgerClock.nowMs(), kind);
    return { cacheRead: rates.cacheRead, cacheWrite: rates.cacheWrite5m, output: rates.output };
  }
}
