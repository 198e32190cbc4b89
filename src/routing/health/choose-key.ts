/** Draws one of a provider's keys by weight, among those whose gates let a request pass. */
import type { Gate } from "./gate.ts";

/** One of a provider's keys as routing knows it. */
export interface WeightedKey {
  readonly id: string;
  /** Above 0. */
  readonly weight: number;
}

export interface KeyChoice<Key extends WeightedKey> {
  readonly keys: readonly Key[];
  readonly gateOf: (key: string) => Gate | undefined;
  readonly nowMs: number;
  /** Uniform in [0, 1). */
  readonly draw: number;
  /** At most this share of the traffic may pass: the provider's own way back. */
  readonly share: number;
  /** The key that a session used before; null: none. */
  readonly preferred: string | null;
}

/**
 * The preferred key where its gate is open; else one that waits for its probe, since nothing else tells
 * when it is well again; else one drawn by weight × share. Null where none may pass, or where all are on
 * their way back and this draw is not in their share.
 */
export function chooseKey<Key extends WeightedKey>(choice: KeyChoice<Key>): Key | null {
  const { keys, draw, preferred } = choice;
  let total = 0;
  let share = 0;
  for (const key of keys) {
    const own = shareOf(key, choice);
    if (own === 1 && key.id === preferred && draw < choice.share) return key;
    total += key.weight * own;
    share = Math.max(share, own);
  }
  const probe = draw < choice.share ? keyToProbe(choice) : null;
  const admitted = Math.min(share, choice.share);
  if (probe !== null || draw >= admitted) return probe;
  let rest = (draw / admitted) * total;
  for (const key of keys) {
    rest -= key.weight * shareOf(key, choice);
    if (rest < 0) return key;
  }
  return null;
}

/** The part of its usual traffic that a key may get now; 0 where it is shut, or only its probe may go. */
function shareOf<Key extends WeightedKey>(key: Key, { gateOf, nowMs }: KeyChoice<Key>): number {
  const gate = gateOf(key.id);
  if (gate === undefined) return 1;
  return gate.reason === null ? gate.share(nowMs) : 0;
}

function keyToProbe<Key extends WeightedKey>({ keys, gateOf, nowMs }: KeyChoice<Key>): Key | null {
  for (const key of keys) if (gateOf(key.id)?.passage(nowMs) === "probe") return key;
  return null;
}

/** The key for a request that nobody better can serve: by weight among those that may pass at all. */
export function lastResortKey<Key extends WeightedKey>(choice: KeyChoice<Key>): Key | null {
  const { keys, gateOf, nowMs } = choice;
  const passing = keys.filter((key) => gateOf(key.id)?.passesAsLastResort(nowMs) ?? true);
  let rest = choice.draw * passing.reduce((sum, key) => sum + key.weight, 0);
  for (const key of passing) {
    rest -= key.weight;
    if (rest < 0) return key;
  }
  return null;
}
