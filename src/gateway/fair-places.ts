/** Where a request may wait for room, and when that may come: limits of keys, and keys that rest. */
import type { Books } from "../ledger/decide.ts";
import { roomInMs } from "../policy/explain.ts";
import { accountShortage } from "./accounts.ts";
import type { Candidate } from "./candidates.ts";
import type { Place } from "./fair-waiting.ts";
import type { Gateway } from "./ports.ts";

export interface Asking {
  readonly books: Books | null;
  /** Room that comes later than in so long comes too late. */
  readonly leftMs: number;
  /** What is shut is left alone. */
  readonly failOver: boolean;
  readonly gateway: Gateway;
}

/** Stands for the credential of a provider that needs none. */
const NO_KEY: readonly string[] = [""];

/** Providers with the keys at which room may come in time, but for those that were tried. */
export function placesOf(
  candidates: readonly Candidate[],
  asking: Asking,
  tried: ReadonlyMap<Candidate, ReadonlySet<string>>,
): readonly Place[] {
  const places = new Map<string, Set<string>>();
  for (const candidate of candidates) {
    const provider = candidate.use.provider.id;
    for (const key of keyIdsOf(candidate)) {
      if (tried.get(candidate)?.has(key) === true) continue;
      if (roomInMsOf(candidate, key, asking) > asking.leftMs) continue;
      const keys = places.get(provider) ?? new Set();
      places.set(provider, keys.add(key));
    }
  }
  return [...places].map(([provider, keys]) => ({ provider, keys: [...keys].toSorted() }));
}

/** In how many milliseconds one of a provider's keys may have room; Infinity: none in sight. */
export function roomInMsAt(
  candidates: readonly Candidate[],
  provider: string,
  asking: Asking,
): number {
  let leastMs = Infinity;
  for (const candidate of candidates) {
    if (candidate.use.provider.id !== provider) continue;
    for (const key of keyIdsOf(candidate))
      leastMs = Math.min(leastMs, roomInMsOf(candidate, key, asking));
  }
  return leastMs;
}

/** Whether a key that comes back by degrees takes one more, or rests for longer than anybody waits. */
export function takesOneMore(provider: string, key: string, asking: Asking): boolean {
  const { failOver, leftMs, gateway } = asking;
  const { fair, health } = gateway;
  if (!failOver || leftMs <= 0 || !fair.regained.isBound(provider, key)) return true;
  const restMs = health.restMs(provider, key);
  if (restMs > leftMs) return true;
  return restMs === 0 && fair.regained.hasRoom(provider, key);
}

function roomInMsOf(candidate: Candidate, key: string, asking: Asking): number {
  const { books, failOver, gateway } = asking;
  const provider = candidate.use.provider.id;
  const restMs = failOver ? gateway.health.restMs(provider, key) : 0;
  const shortage = books === null ? null : accountShortage(candidate, key, books, gateway);
  if (shortage === null) return restMs;
  const roomMs = roomInMs(shortage, gateway.ledgerClock.nowMs());
  // Requests in flight can end at any time.
  const isUnknown = shortage.code === "concurrency_limited";
  return Math.max(restMs, isUnknown ? Math.min(roomMs, asking.leftMs) : roomMs);
}

function keyIdsOf({ keys }: Candidate): readonly string[] {
  return keys.length === 0 ? NO_KEY : keys.map(({ id }) => id);
}
