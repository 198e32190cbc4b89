/** The gateway of a real node in a folder of its own: journal, views and metrics, but no servers. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { invariant } from "../src/core/invariant.ts";
import { systemClock } from "../src/core/time.ts";
import type { Gateway, Log } from "../src/gateway/ports.ts";
import { createClients } from "../src/node/clients.ts";
import { gatewayOf, nodeClock } from "../src/node/gateway-parts.ts";
import { createHistory } from "../src/node/history.ts";
import { createSessionControl } from "../src/node/session-control.ts";
import { WaitingRoom } from "../src/gateway/waiting.ts";
import { openNode } from "../src/node/open-node.ts";
import { nodeHasher } from "../src/node/private-file.ts";
import { createAuthenticators } from "../src/providers/auth/authenticator.ts";
import { authenticateWith } from "../src/node/authenticate.ts";
import { createProviderHealth, openUpstreamHealth } from "../src/node/provider-health.ts";
import { Configuration, readConfig } from "../src/node/reload.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";
import { fleetConfig, FLEET_ENV } from "./fleet-config.ts";

/** Money windows and limits over each request. */
const WINDOWS = 6;
const LIMITS = 4;

/** A fault that would only be logged is one of the benchmark's own here. */
const LOG: Log = {
  info: () => undefined,
  warn: (message) => console.error(message),
  error: (message, fields) => {
    throw new Error(`${message} ${JSON.stringify(fields ?? {})}`);
  },
};

export interface OpenGateway {
  readonly gateway: Gateway;
  readonly close: () => Promise<void>;
}

/** Opens it in `folder`, which has to be empty. */
export async function openGateway(folder: string): Promise<OpenGateway> {
  const file = join(folder, "tollgate.yaml");
  writeFileSync(file, JSON.stringify(fleetConfig("http://127.0.0.1:9")));
  const environment = { ...FLEET_ENV, TOLLGATE_DATA_DIR: join(folder, "data") };
  const loaded = readConfig(file, environment);
  invariant(loaded.ok, "the benchmark's configuration is valid");
  const { config } = loaded;
  const clock = systemClock;
  const node = await openNode(config, { clock, log: LOG });
  invariant("journal" in node, "nobody else has the benchmark's folder");
  const clients = createClients(config);
  const ledgerClock = nodeClock(config, { clock, clients, log: LOG, notBeforeMs: 0 });
  const { nowMs } = ledgerClock;
  const configuration = await Configuration.start(
    {
      file,
      environment,
      node,
      hasher: nodeHasher(config.dataDir),
      history: createHistory(node.views),
      nowMs,
      log: LOG,
    },
    config,
  );
  const upstreamHealth = openUpstreamHealth(config.dataDir, { clock, log: LOG });
  const waiting = new WaitingRoom(node.state.fold.ledger, clock);
  const gateway = gatewayOf({
    node,
    waiting,
    sessionControl: createSessionControl({ node, nowMs, onChanged: () => waiting.wake() }),
    configuration,
    clients,
    ledgerClock,
    clock,
    providerHealth: createProviderHealth(upstreamHealth.health),
    upstreamHealth,
    credentials: authenticateWith(
      createAuthenticators({ clock, client: clients.network, environment }),
    ),
    draining: () => false,
    cutOff: () => false,
    metrics: createMetrics({ budgets: () => [], journalLagMs: () => 0 }),
    log: LOG,
  });
  checkChain(gateway);
  return {
    gateway,
    close: async () => {
      upstreamHealth.stop();
      await clients.close();
      await node.views.close();
      await node.journal.close();
      node.release();
    },
  };
}

function checkChain(gateway: Gateway): void {
  const [plan] = gateway.ruling().policy.plans.values();
  const meters = [...(plan?.meters ?? []), ...(plan?.providers[0]?.meters ?? [])];
  const money = meters.filter((meter) => meter.unit === "usd").length;
  invariant(money === WINDOWS && meters.length - money === LIMITS, "six windows and four limits");
}
