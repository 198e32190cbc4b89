/** Remembers which provider credentials are refused, for health and `tollgate doctor`. */
import type { ProviderHealth } from "../gateway/ports.ts";
import type { Clock } from "../core/time.ts";
import { formatTime } from "../core/time.ts";

/** Counts nothing and blocks nothing yet: it only tells. */
export function createProviderHealth(clock: Clock): ProviderHealth {
  const refused = new Map<string, string>();
  const beyondCount = new Set<string>();
  return {
    credentialRefused(provider, key, status) {
      refused.set(
        `${provider}/${key}`,
        `provider ${provider} refused key ${key} with ${status} at ${formatTime(clock.wallMs())}; ` +
          "check the secret that its configuration names",
      );
    },
    credentialAccepted(provider, key) {
      refused.delete(`${provider}/${key}`);
    },
    inputBeyondCount(provider) {
      beyondCount.add(provider);
    },
    countsBound: (provider) => !beyondCount.has(provider),
    troubles: () => [...refused.values()],
  };
}
