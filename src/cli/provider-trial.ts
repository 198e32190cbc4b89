/** Tries a provider's keys for real: by asking for its list of models, which costs nothing. */
import type { Config, ProviderConfig, ProviderKeyConfig } from "../config/config.ts";
import { systemClock } from "../core/time.ts";
import { schemeFor } from "../node/authenticate.ts";
import { createAuthenticators, type Authenticators } from "../providers/auth/authenticator.ts";
import { baseUrlOf, pathOf } from "../providers/models.ts";
import { rowOf } from "../providers/catalogue.ts";
import type { ProviderRow } from "../providers/row.ts";
import { createUndiciClient } from "../providers/undici-client.ts";
import type { UpstreamClient, UpstreamRequest } from "../providers/upstream.ts";

export interface Trial {
  readonly provider: string;
  readonly key: string;
  /** One sentence; null where the provider has taken the key. */
  readonly fault: string | null;
  readonly tookMs: number;
}

const TRIAL_TIMEOUT_MS = 15_000;
const API_VERSION = "2023-06-01";

/** Tries every key of every provider that is reached over the network, one after the other. */
export async function tryProviderKeys(config: Config): Promise<Trial[]> {
  const client = createUndiciClient({
    connectTimeoutMs: config.server.timeouts.connectMs,
    outbound: config.outbound,
    maxConnectionsPerOrigin: 1,
  });
  const environment = process.env;
  const authenticators = createAuthenticators({ clock: systemClock, client, environment });
  const trials: Trial[] = [];
  try {
    for (const provider of config.providers) {
      const row = rowOf(provider.kind);
      if (row === null || row.transport === "embedded") continue;
      for (const key of provider.keys)
        trials.push(await tryKey({ client, authenticators }, { provider, row, key }));
    }
  } finally {
    await client.close();
  }
  return trials;
}

interface Candidate {
  readonly provider: ProviderConfig;
  readonly row: ProviderRow;
  readonly key: ProviderKeyConfig;
}

interface Means {
  readonly client: UpstreamClient;
  readonly authenticators: Authenticators;
}

async function tryKey({ client, authenticators }: Means, candidate: Candidate): Promise<Trial> {
  const startMs = systemClock.monotonicMs();
  const { provider, row, key } = candidate;
  const request = requestOf(candidate);
  const shown = await authenticators
    .of(`${provider.id}/${key.id}`, schemeFor(row, key.cloud), key, provider.settings)
    .headers(request);
  const headers = shown.ok ? { ...request.headers, ...shown.headers } : null;
  const fault =
    headers === null
      ? `has no credential: ${shown.ok ? "" : shown.sentence}`
      : await askForModels(client, { ...request, headers });
  const tookMs = Math.round(systemClock.monotonicMs() - startMs);
  return { provider: candidate.provider.id, key: candidate.key.id, fault, tookMs };
}

function requestOf({ provider, row }: Candidate): UpstreamRequest {
  const base = new URL(baseUrlOf(row, provider.baseUrl, provider.settings) ?? "");
  const list = pathOf(row.modelList?.path ?? "/", provider.settings, "") ?? "/";
  return {
    method: "GET",
    origin: base.origin,
    path: `${base.pathname.replace(/\/$/, "")}${list}${row.modelList?.format === "anthropic" ? "?limit=1" : ""}`,
    headers: {
      accept: "application/json",
      "anthropic-version": API_VERSION,
    },
    body: null,
    firstByteTimeoutMs: TRIAL_TIMEOUT_MS,
    idleTimeoutMs: TRIAL_TIMEOUT_MS,
    allowPrivateNetwork: provider.allowPrivateNetwork,
  };
}

function askForModels(client: UpstreamClient, request: UpstreamRequest): Promise<string | null> {
  return new Promise((resolve) => {
    const exchange = client.send(request, {
      onHead: (status) => {
        resolve(faultOf(status));
        exchange.cancel();
      },
      onData: () => undefined,
      onEnd: () => undefined,
      onFailure: ({ kind, detail }) => {
        resolve(`cannot be reached (${kind}: ${detail}): check base_url, outbound and network`);
      },
    });
  });
}

function faultOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status === 401 || status === 403) {
    return `is refused with ${status}: check the secret that the configuration names`;
  }
  return `is answered with ${status}: check base_url`;
}
