/** What is known of providers beyond one request, and what of it outlives a restart. */
import { readFileSync, writeFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Config, ProviderConfig } from "../config/config.ts";
import type { Log, ProviderHealth } from "../gateway/ports.ts";
import type { Clock } from "../core/time.ts";
import { RetryBudget } from "../routing/attempts/budget.ts";
import { Seats } from "../routing/stickiness/seats.ts";
import { Health } from "../routing/health/health.ts";

const FILE = "provider-health.json";
/** Session ids are nobody else's business. */
const PRIVATE_MODE = 0o600;
const SAVE_EVERY_MS = 5_000;

export interface UpstreamHealth {
  readonly health: Health;
  readonly retries: RetryBudget;
  readonly seats: Seats;
  /** Saves what has changed, and stops saving. */
  readonly stop: () => void;
}

/**
 * Health of providers and keys as the last run left it, saved every few seconds: a key that its provider
 * refuses is not asked anew by every start.
 */
export function openUpstreamHealth(
  dataDir: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): UpstreamHealth {
  const file = join(dataDir, FILE);
  const retries = new RetryBudget();
  const health = new Health({ clock, pressure: () => retries.pressure(clock.monotonicMs()) });
  const seats = new Seats();
  const last = saved(file);
  health.restore(last.health);
  seats.restore(last.seats, clock.wallMs());
  const known = () => {
    const { savedAtMs, ...state } = health.snapshot();
    const sitting = seats.snapshot();
    const whole = { health: { ...state, savedAtMs }, seats: sitting };
    return { whole, text: JSON.stringify([state, sitting]) };
  };
  // What was just read needs no writing.
  let written = known().text;
  const save = () => {
    const { whole, text } = known();
    if (text === written) return;
    try {
      writeFileSync(`${file}.new`, JSON.stringify(whole), { mode: PRIVATE_MODE });
      renameSync(`${file}.new`, file);
      written = text;
    } catch (error) {
      // It costs the next start a few attempts; the disk's trouble is told by the journal.
      log.warn("the health of providers could not be saved", { error: String(error) });
    }
  };
  const timer = setInterval(save, SAVE_EVERY_MS);
  timer.unref();
  const stop = () => {
    clearInterval(timer);
    save();
  };
  return { health, retries, seats, stop };
}

/** A key with another secret, or another address, is a key that nothing is known of. */
export function forgetChangedKeys(health: Health, before: Config, after: Config): void {
  const known = new Map(before.providers.map((provider) => [provider.id, provider]));
  for (const provider of after.providers) {
    const old = known.get(provider.id);
    if (old === undefined) continue;
    if (JSON.stringify(placeOf(old)) !== JSON.stringify(placeOf(provider)))
      health.forget(provider.id);
    for (const key of provider.keys) {
      const same = old.keys.find(({ id }) => id === key.id);
      if (same?.secret !== key.secret || JSON.stringify(same.cloud) !== JSON.stringify(key.cloud))
        health.forget(provider.id, key.id);
    }
  }
}

function placeOf({ kind, baseUrl, settings, door }: ProviderConfig): unknown {
  return { kind, baseUrl, settings, door };
}

/** Nothing where there is no file, or none that can be read: it is learnt again. */
function saved(file: string): { readonly health: unknown; readonly seats: unknown } {
  try {
    const whole: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof whole === "object" && whole !== null && "health" in whole && "seats" in whole)
      return whole;
    return NOTHING_SAVED;
  } catch {
    return NOTHING_SAVED;
  }
}

const NOTHING_SAVED = { health: null, seats: null } as const;

/** What health does not keep: credentials that could not even be made, and bills that disagree with counts. */
export function createProviderHealth(health: Health): ProviderHealth {
  const unidentified = new Map<string, string>();
  const beyondCount = new Set<string>();
  return {
    unidentified(provider, key, sentence) {
      unidentified.set(`${provider}/${key}`, `provider ${provider}, key ${key}: ${sentence}`);
    },
    identified(provider, key) {
      if (unidentified.size > 0) unidentified.delete(`${provider}/${key}`);
    },
    inputBeyondCount(provider) {
      beyondCount.add(provider);
    },
    countsBound: (provider) => !beyondCount.has(provider),
    troubles: () => [...health.troubles(), ...unidentified.values()],
  };
}
