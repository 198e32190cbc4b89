/** What the accounts behind providers' keys may still take, by the limits that are configured for them. */
import type { ProviderKeyConfig } from "../config/config.ts";
import { limitShortage, type Books, type Shortage } from "../ledger/decide.ts";
import type { Window } from "../ledger/state.ts";
import type { Candidate } from "./candidates.ts";
import type { Gateway } from "./ports.ts";

const UNLIMITED: readonly Window[] = [];

/** The windows in which an attempt with this key is counted; none where it has no limits. */
export function accountWindows(
  { use }: Pick<Candidate, "use">,
  key: string | null,
  nowMs: number,
  gateway: Gateway,
): readonly Window[] {
  const meters = use.accounts.get(key ?? "");
  if (meters === undefined) return UNLIMITED;
  return meters.map((meter) => gateway.ledger.windowAt(meter, nowMs, null));
}

/** The limit of a key that has no room for one attempt more; null: it may be asked. */
export function accountShortage(
  candidate: Candidate,
  key: string,
  books: Books,
  gateway: Gateway,
): Shortage | null {
  if (candidate.use.accounts.size === 0) return null;
  const nowMs = gateway.ledgerClock.nowMs();
  return limitShortage(accountWindows(candidate, key, nowMs, gateway), nowMs, books);
}

/** Those of a candidate's keys whose accounts have room. */
export function keysWithRoom(
  candidate: Candidate,
  books: Books,
  gateway: Gateway,
): readonly ProviderKeyConfig[] {
  const { keys, use } = candidate;
  if (use.accounts.size === 0) return keys;
  return keys.filter(({ id }) => accountShortage(candidate, id, books, gateway) === null);
}
