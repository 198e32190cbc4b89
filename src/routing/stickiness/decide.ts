/** Whether a session stays at its door or leaves it, and what leaving costs. */
import {
  formatUsd,
  nanoUsd,
  roundUp,
  type NanoUsd,
  type PicoUsdPerToken,
} from "../../core/money.ts";
import { isWarm, type Seat } from "./seats.ts";

/** Prices of one target's model that decide. Without a cache all three of the input are the same. */
export interface TurnPrices {
  readonly cacheRead: PicoUsdPerToken;
  readonly cacheWrite: PicoUsdPerToken;
  readonly output: PicoUsdPerToken;
}

/** A target of the route, in the order in which its rule wants them. */
export interface Candidate {
  readonly provider: string;
  readonly door: string;
  readonly model: string;
  /** Health lets requests through. */
  readonly usable: boolean;
  readonly prices: TurnPrices;
}

/** What the session's next turns are expected to look like. */
export interface Outlook {
  readonly freshTokens: number;
  readonly outputTokens: number;
  /**
   * Turns over which a cheaper door may earn back the cold cache: 0 where the rule does not choose by
   * price, so that a session never leaves for a mere preference.
   */
  readonly turns: number;
}

/** `alone`: the session had no seat. `kept`: it stays. The others say why it leaves. */
export type SeatReason = "alone" | "kept" | "not_offered" | "unusable" | "saves";

export interface SeatDecision {
  /** Index of the candidate to ask first; -1 where none is usable. */
  readonly first: number;
  readonly reason: SeatReason;
  /** What the prompt that is cached at the old door costs more at the new one; 0 where it stays or is cold. */
  readonly leavingNano: NanoUsd;
}

/** Where a request goes, and what its input costs there. */
export interface Destination {
  readonly provider: string;
  readonly door: string;
  readonly model: string;
  /** Null where the provider needs none. */
  readonly key: string | null;
  readonly prices: TurnPrices;
}

/** `failed`: it was asked first, and did not answer. */
export type LeavingReason = "not_offered" | "unusable" | "saves" | "failed";

const NOTHING = nanoUsd(0n);

/**
 * Stays at the seat's door while it is offered and usable, unless a door that the rule prefers earns back
 * the cold cache within the outlook. Leaving costs `historyTokens × (cacheWrite - cacheRead)` at the new
 * door, rounded up; nothing where the cache has gone cold by itself.
 *
 * @param nowMs Unix milliseconds.
 */
export function decideSeat(
  seat: Seat | null,
  candidates: readonly Candidate[],
  outlook: Outlook,
  nowMs: number,
): SeatDecision {
  const wanted = candidates.findIndex((candidate) => candidate.usable);
  if (seat === null || wanted === -1) return { ...UNMOVED, first: wanted };
  const at = candidates.findIndex((candidate) => isAt(seat, candidate));
  const here = candidates[at];
  const there = candidates[wanted];
  if (there === undefined || isAt(seat, there))
    return { ...UNMOVED, first: wanted, reason: "kept" };
  const leavingNano = coldCacheNano(seat, there.prices, nowMs);
  if (here?.usable === true) {
    const saves = savesNano(seat, here.prices, there.prices, outlook) > leavingNano;
    if (!saves || at < wanted) return { ...UNMOVED, first: at, reason: "kept" };
    return { first: wanted, reason: "saves", leavingNano };
  }
  const reason = here === undefined ? "not_offered" : "unusable";
  return { first: wanted, reason, leavingNano };
}

const UNMOVED: SeatDecision = { first: -1, reason: "alone", leavingNano: NOTHING };

/** What the session's history costs more at a door that has not cached it than at one that has. */
function coldCacheNano(seat: Seat, prices: TurnPrices, nowMs: number): NanoUsd {
  if (!isWarm(seat, nowMs) || prices.cacheWrite <= prices.cacheRead) return NOTHING;
  return roundUp(BigInt(seat.historyTokens) * (prices.cacheWrite - prices.cacheRead));
}

function savesNano(seat: Seat, here: TurnPrices, there: TurnPrices, outlook: Outlook): bigint {
  const perTurn = turnPico(seat, here, outlook) - turnPico(seat, there, outlook);
  return (BigInt(outlook.turns) * perTurn) / 1_000n;
}

/** A turn with everything but its newest part in the cache. */
function turnPico(seat: Seat, prices: TurnPrices, outlook: Outlook): bigint {
  return (
    BigInt(seat.historyTokens) * prices.cacheRead +
    BigInt(outlook.freshTokens) * prices.cacheWrite +
    BigInt(outlook.outputTokens) * prices.output
  );
}

function isAt(seat: Seat, { provider, door, model }: Candidate | Destination): boolean {
  return seat.provider === provider && seat.door === door && seat.model === model;
}

const BECAUSE: Readonly<Record<LeavingReason, string>> = {
  not_offered: "the route no longer offers it",
  unusable: "it takes no requests now",
  saves: "the other is cheaper even so",
  failed: "it was asked and failed",
};

/**
 * For the row: from where to where the session goes, why, and what its cold cache costs. Null where it
 * stays. Another key of the same provider is another account, whose cache is cold too.
 *
 * @param nowMs Unix milliseconds.
 */
export function leavingNote(
  seat: Seat,
  to: Destination,
  reason: LeavingReason,
  nowMs: number,
): string | null {
  const isSameDoor = isAt(seat, to);
  if (isSameDoor && seat.key === to.key) return null;
  const [from, there] = [seat, to].map(({ provider, door, model, key }) => {
    const place = `${provider}/${door} ${model}`;
    return isSameDoor && key !== null ? `${place} (key ${key})` : place;
  });
  const leavingNano = coldCacheNano(seat, to.prices, nowMs);
  const cost =
    leavingNano === NOTHING
      ? "no warm cache is lost"
      : `the cold cache of ${seat.historyTokens} tokens costs about $${formatUsd(leavingNano)}`;
  return `the session left ${from} for ${there}: ${BECAUSE[reason]}; ${cost}`;
}
