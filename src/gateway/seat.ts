/** Keeps a session at its door: thinking signatures and the provider's prompt cache depend on it. */
import { inputTokensOf, type BilledUsage } from "../core/usage.ts";
import type { TaskType } from "../journal/record.ts";
import {
  decideSeat,
  leavingNote,
  type Destination,
  type TurnPrices,
} from "../routing/stickiness/decide.ts";
import { isWarm, type Sitter } from "../routing/stickiness/seats.ts";
import { keysWithRoom } from "./accounts.ts";
import type { Candidate, Target } from "./candidates.ts";
import type { Exchange } from "./exchange.ts";
import { isAllObserved } from "./observed.ts";
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
  /** For the row of an attempt: why the session leaves its door for this target; null where it does not. */
  readonly noteAt: (target: Target, isAfterFailure: boolean) => string | null;
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
  if (known === null) return { ...UNSEATED, candidates };
  const at = { exchange, gateway, cacheMs: known.cacheMs };
  const offered = candidates.map((candidate) => offeredAt(candidate, at));
  const { first, reason } = decideSeat(known, offered, OUTLOOK, nowMs);
  const chosen = candidates[first];
  const isOwn = known.provider === chosen?.use.provider.id && known.door === chosen.door.id;
  const noteAt: Seated["noteAt"] = (target, isAfterFailure) => {
    const why = reason === "not_offered" || reason === "saves" ? reason : "unusable";
    const there = destinationOf(target, at);
    return leavingNote(known, there, isOwn && isAfterFailure ? "failed" : why, nowMs);
  };
  if (chosen === undefined) return { ...UNSEATED, candidates, noteAt };
  const others = candidates.filter((candidate) => candidate !== chosen);
  return {
    candidates: [chosen, ...others],
    preferredKey: isOwn ? known.key : null,
    isWarm: isOwn && known.model === chosen.model && isWarm(known, nowMs),
    noteAt,
  };
}

const UNSEATED = { preferredKey: null, isWarm: false, noteAt: () => null } as const;

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

/** What prices and health are asked for; `cacheMs` is how long the session's prompt is kept. */
interface Asking {
  readonly exchange: Exchange;
  readonly gateway: Gateway;
  readonly cacheMs: number;
}

function offeredAt(candidate: Candidate, asking: Asking) {
  const { exchange, gateway } = asking;
  const { use, keys } = candidate;
  const provider = use.provider.id;
  const books = isAllObserved(exchange) ? "shadow" : "real";
  const open = keysWithRoom(candidate, books, gateway);
  const isFull = open.length === 0 && keys.length > 0;
  // "Now" is read anew by health, and passes: ours is read after it.
  const usable =
    !isFull && gateway.health.usableAtMs(provider, open) <= gateway.clock.monotonicMs();
  return new Place(candidate, asking, { usable, key: null });
}

function destinationOf(target: Target, asking: Asking): Destination {
  return new Place(target, asking, { usable: true, key: target.credential?.id ?? null });
}

/** A candidate as the rules of seats see it. */
class Place implements Destination {
  readonly provider: string;
  readonly door: string;
  readonly model: string;
  readonly usable: boolean;
  readonly key: string | null;
  readonly #candidate: Candidate;
  readonly #asking: Asking;

  constructor(
    candidate: Candidate,
    asking: Asking,
    of: { readonly usable: boolean; readonly key: string | null },
  ) {
    this.provider = candidate.use.provider.id;
    this.door = candidate.door.id;
    this.model = candidate.model;
    this.usable = of.usable;
    this.key = of.key;
    this.#candidate = candidate;
    this.#asking = asking;
  }

  /** Looked up only where the session may leave. */
  get prices(): TurnPrices {
    return pricesAt(this.#candidate, this.#asking);
  }
}

function pricesAt({ row, model }: Candidate, { exchange, gateway, cacheMs }: Asking): TurnPrices {
  const { rates } = exchange.ruling.prices.resolve(model, gateway.ledgerClock.nowMs(), row.kind);
  const cacheWrite = cacheMs > CACHE_MS ? rates.cacheWrite1h : rates.cacheWrite5m;
  return { cacheRead: rates.cacheRead, cacheWrite, output: rates.output };
}
