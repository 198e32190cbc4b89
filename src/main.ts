/** The composition root: configuration → parts → listen → drain. */
import { join } from "node:path";
import type { Address, Config } from "./config/config.ts";
import { formatFault } from "./config/fault.ts";
import { findConfigFile } from "./config/find-file.ts";
import { watchConfig } from "./config/watch.ts";
import { createControlServer, type ControlServer } from "./control/server.ts";
import { systemClock } from "./core/time.ts";
import type { Log } from "./gateway/ports.ts";
import { createGatewayServer } from "./gateway/server.ts";
import { JournalCorrupt } from "./journal/corrupt.ts";
import { adminToken, type AdminToken } from "./node/admin-token.ts";
import { budgetViews } from "./node/budget-views.ts";
import { createClients } from "./node/clients.ts";
import { gatewayOf, healthOf, nodeClock, type GatewayParts } from "./node/gateway-parts.ts";
import { createHistory } from "./node/history.ts";
import { settleInterrupted } from "./node/interrupted.ts";
import { createKeyAdministration } from "./node/key-administration.ts";
import { CannotListen, cannotListen, closeServer, listen } from "./node/listen.ts";
import { openNode, type OpenNode } from "./node/open-node.ts";
import { defaultKey, nodeHasher } from "./node/private-file.ts";
import { createProviderHealth } from "./node/provider-health.ts";
import { Configuration, readConfig, type Environment } from "./node/reload.ts";
import { createSignals } from "./node/signals.ts";
import { startRetention } from "./node/retention.ts";
import { Snapshots } from "./node/snapshots.ts";
import { rowOf } from "./providers/catalogue.ts";
import { createLog } from "./telemetry/log.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { version } from "./version.ts";

/** 78 is EX_CONFIG of sysexits.h. */
const EXIT = { ok: 0, failed: 1, configuration: 78 } as const;
const LISTEN_SETTING = "server.listen or TOLLGATE_LISTEN";
/** Requests that were cut off still settle; what takes longer is settled by estimate at the next start. */
const SETTLE_MS = 12_000;

export interface ServeOptions {
  /** From `--config`; null: `TOLLGATE_CONFIG`, else `tollgate.yaml` where it exists. */
  readonly configFile: string | null;
  readonly environment: Environment;
  /** The lines to paste. */
  readonly say: (line: string) => void;
  /** Warnings and faults, for people. */
  readonly complain: (line: string) => void;
}

/** Runs the gateway until a signal ends it; resolves to the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const file = findConfigFile(options.configFile, options.environment);
  const loaded = readConfig(file, options.environment, []);
  if (!loaded.ok) {
    for (const fault of loaded.faults) options.complain(formatFault(fault));
    return EXIT.configuration;
  }
  for (const warning of loaded.warnings) options.complain(warning);
  const { config } = loaded;
  const log = createLog(config.log);
  try {
    const node = await openNode(config, { clock: systemClock, log });
    if ("heldBy" in node) {
      const who =
        node.heldBy === null
          ? "another process"
          : `process ${node.heldBy.pid} (since ${node.heldBy.startedAt})`;
      options.complain(
        `the data directory ${config.dataDir} is in use by ${who}; stop it, or set TOLLGATE_DATA_DIR`,
      );
      return EXIT.failed;
    }
    return await run({ options, file, config, log, node });
  } catch (error) {
    if (!(error instanceof JournalCorrupt || error instanceof CannotListen)) throw error;
    options.complain(error.message);
    return EXIT.failed;
  }
}

interface Running {
  readonly options: ServeOptions;
  readonly file: string | null;
  readonly config: Config;
  readonly log: Log;
  readonly node: OpenNode;
}

async function run(running: Running): Promise<number> {
  const { options, file, config, log, node } = running;
  const assembled = await assemble(running);
  const { configuration, gateway, control, signals, token, clients } = assembled;
  const snapshots = new Snapshots(node, config.dataDir, log);
  const retention = startRetention(node, {
    retainMs: () => configuration.inForce.config.journal.retainMs,
    savedPosition: () => snapshots.savedPosition(),
    nowMs: assembled.nowMs,
    log,
  });
  const watch = file === null ? null : watchConfig(file, () => void configuration.reload());
  const adminAddress = await listenForControl(control, config);
  await listenPrivately(control, config, log);
  const dataPlane = await listen(gateway.server, config.server.listen, LISTEN_SETTING);
  assembled.listening(dataPlane);
  greet({ options, config: configuration.inForce.config, dataPlane, adminAddress, token });

  await signals.stop;
  log.info("draining", { drain_seconds: config.server.drainMs / 1000 });
  watch?.close();
  await closeServer(gateway.server, signals.deadline(config.server.drainMs));
  await gateway.idle(SETTLE_MS);
  await control.close();
  retention.stop();
  await snapshots.stop();
  await clients.close();
  await node.views.close();
  await node.journal.close();
  node.release();
  log.info("stopped");
  return EXIT.ok;
}

async function listenForControl(control: ControlServer, config: Config): Promise<Address> {
  const { adminListen } = config.server;
  try {
    return await control.listen(adminListen);
  } catch (error) {
    throw cannotListen(adminListen, error, "server.admin_listen or TOLLGATE_ADMIN_LISTEN");
  }
}

/** The commands on this machine can do without the socket: they have the address and the token. */
async function listenPrivately(control: ControlServer, config: Config, log: Log): Promise<void> {
  const path = join(config.dataDir, "control.sock");
  try {
    await control.listenSocket(path);
  } catch (error) {
    log.warn(`commands cannot use ${path}; set TOLLGATE_ADMIN_URL and TOLLGATE_ADMIN_TOKEN for them`, {
      error: String(error),
    });
  }
}

async function assemble({ options, file, config, log, node }: Running) {
  const clock = systemClock;
  const hasher = nodeHasher(config.dataDir);
  const clients = createClients(config);
  const notBeforeMs = node.opened.recovered.lastTimeMs ?? 0;
  const ledgerClock = nodeClock(config, { clock, clients, log, notBeforeMs });
  const { nowMs } = ledgerClock;
  chargeInterrupted({ config, log, node, nowMs: nowMs() });
  const configuration = await Configuration.start(
    {
      file,
      environment: options.environment,
      node,
      hasher,
      history: createHistory(node.views),
      nowMs,
      log,
    },
    config,
  );
  const signals = createSignals(() => void configuration.reload());
  const providerHealth = createProviderHealth(clock);
  const budgets = () => budgetViews(node.state.fold.ledger, nowMs());
  const metrics = createMetrics({ budgets, journalLagMs: () => node.journal.lagMs() });
  const parts: GatewayParts = {
    node,
    configuration,
    clients,
    ledgerClock,
    clock,
    providerHealth,
    draining: signals.draining,
    cutOff: signals.cutOff,
    metrics,
    log,
  };
  const gateway = createGatewayServer(gatewayOf(parts), () => healthOf(parts));
  const token = adminToken(config.dataDir, config.admin.token, hasher);
  let dataPlane = config.server.listen;
  const listening = (address: Address) => {
    dataPlane = address;
  };
  const control = createControlServer({
    ...controlPorts(parts),
    verifyToken: token.verify,
    dataPlaneUrl: () => urlOf(dataPlane),
    budgets,
    keys: createKeyAdministration({ node, configuration, hasher, nowMs }),
    metricsText: metrics.metricsText,
  });
  return { configuration, gateway, control, signals, token, clients, nowMs, listening };
}

/** What the control API shows of the parts. */
function controlPorts(parts: GatewayParts) {
  const { node, configuration, providerHealth, clock, log } = parts;
  return {
    version,
    clock,
    log,
    startedMs: clock.wallMs(),
    config: () => configuration.inForce.config,
    views: node.views,
    head: () => headOf(node),
    journalDirectory: node.opened.directory,
    health: () => ({
      ...healthOf(parts),
      providerTroubles: providerHealth.troubles(),
      configurationFault: configuration.fault,
    }),
    explainPrice: (model: string, atMs: number) =>
      configuration.inForce.ruling.prices.explain(model, atMs),
    pricedModels: () => configuration.inForce.ruling.prices.wireIds(),
  };
}

function chargeInterrupted(of: {
  readonly config: Config;
  readonly log: Log;
  readonly node: OpenNode;
  readonly nowMs: number;
}): void {
  const { config, log, node, nowMs } = of;
  const kinds = new Map(config.providers.map(({ id, kind }) => [String(id), kind]));
  const interrupted = settleInterrupted({
    state: node.state,
    journal: node.journal,
    nowMs,
    tokensPerSecondMax: (provider) =>
      rowOf(kinds.get(provider) ?? "")?.billing.outputTokensPerSecondMax ?? Infinity,
  });
  if (interrupted.charged + interrupted.closed > 0)
    log.warn("requests that the last stop interrupted were charged by estimate", {
      ...interrupted,
    });
}

/** What a person at the terminal needs; secrets of the default configuration go here and nowhere else. */
function greet(started: {
  readonly options: ServeOptions;
  readonly config: Config;
  readonly dataPlane: Address;
  readonly adminAddress: Address;
  readonly token: AdminToken;
}): void {
  const { options, config, dataPlane, adminAddress, token } = started;
  const { say } = options;
  say(`Tollgate ${version} is ready: ${urlOf(dataPlane)} (control API ${urlOf(adminAddress)})`);
  if (config.providers.some((provider) => rowOf(provider.kind)?.transport === "embedded"))
    say(
      "No provider key is set: the embedded rehearsal provider answers. No real model is called.",
    );
  if (token.madeNow !== null) say(`Admin token (shown this once): ${token.madeNow}`);
  if (config.file !== null) return;
  say("Point Claude Code at it:");
  say(`export ANTHROPIC_BASE_URL=${urlOf(dataPlane)}/anthropic`);
  say(`export ANTHROPIC_API_KEY=${defaultKey(config.dataDir)}`);
}

function urlOf({ host, port }: Address): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function headOf(node: OpenNode) {
  const seq = node.journal.writtenSeq();
  return {
    node: node.name,
    seq,
    hash: node.journal.writtenHash(),
    time: node.journal.writtenTime(),
  };
}
