/** The upstream clients of a node: one for real providers, one for the embedded rehearsal. */
import type { Config } from "../config/config.ts";
import { rowOf } from "../providers/catalogue.ts";
import { createRehearsalClient } from "../providers/rehearsal/client.ts";
import { createSocketClient } from "../providers/socket/client.ts";
import { createUndiciClient } from "../providers/undici-client.ts";
import type { UpstreamClient } from "../providers/upstream.ts";

const CONNECTIONS_PER_ORIGIN_MAX = 1024;

export interface Clients {
  /** The client that reaches providers of this kind. */
  readonly of: (kind: string) => UpstreamClient;
  /** The way out to everybody but providers: token servers. */
  readonly network: UpstreamClient;
  readonly close: () => Promise<void>;
}

/** Clients by what the configuration says of the way out. */
export function createClients(config: Config): Clients {
  const network = createNetworkClient(config);
  const embedded = createRehearsalClient();
  return {
    network,
    of: (kind) => (rowOf(kind)?.transport === "embedded" ? embedded : network),
    close: async () => {
      await Promise.all([network.close(), embedded.close()]);
    },
  };
}

function createNetworkClient({ server, outbound }: Config): UpstreamClient {
  const options = {
    connectTimeoutMs: server.timeouts.connectMs,
    maxConnectionsPerOrigin: CONNECTIONS_PER_ORIGIN_MAX,
  };
  if (outbound.proxyUrl !== null) return createUndiciClient({ ...options, outbound });
  return createSocketClient({ ...options, caPem: outbound.caPem });
}
