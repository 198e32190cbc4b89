/** The composition root: configuration → parts → listen → drain. */
import { join } from "node:path";
import type { Address, Config } from "./config/config.ts";
import { formatFault } from "./config/fault.ts";
import { findConfigFile } from "./config/find-file.ts";
import { watchFiles } from "./config/watch.ts";
import { createControlServer, type ControlServer } from "./control/server.ts";
import { systemClock } from "./core/time.ts";
import type { Log } from "./gateway/ports.ts";
import { createGatewayServer } from "./gateway/server.ts";
import type { Hasher } from "./identity/key-ring.ts";
import { JournalCorrupt } from "./journal/corrupt.ts";
import { adminToken, type AdminToken } from "./node/admin-token.ts";
import { createAdministration } from "./node/administration.ts";
import { createBackupPoint } from "./node/backup-point.ts";
import { budgetViews } from "./node/budget-views.ts";
import {
  CannotPresent,
  followConfig,
  openCertificate,
  type ServerCertificate,
} from "./node/certificate.ts";
import { createAuthenticators } from "./providers/auth/authenticator.ts";
import { authenticateWith } from "./node/authenticate.ts";
import { createClients, type Clients } from "./node/clients.ts";
import { gatewayOf, healthOf, nodeClock, type GatewayParts } from "./node/gateway-parts.ts";
import { createHistory } from "./node/history.ts";
import { settleInterrupted } from "./node/interrupted.ts";
import { CannotListen, cannotListen, closeServer, listen } from "./node/listen.ts";
import { openNode, type OpenNode } from "./node/open-node.ts";
import { defaultKey, nodeHasher } from "./node/private-file.ts";
import type { Health } from "./routing/health/health.ts";
import {
  createProviderHealth,
  forgetChangedKeys,
  openUpstreamHealth,
} from "./node/provider-health.ts";
import { Configuration, madeEntities, readConfig, type Environment } from "./node/reload.ts";
import { createRouteExplainer } from "./node/route-explain.ts";
import { createWhy } from "./node/why.ts";
import { waitingAndStopping } from "./node/session-control.ts";
import { createSessionViews } from "./node/session-views.ts";
import { createSignals } from "./node/signals.ts";
import { startRetention } from "./node/retention.ts";
import { SelfCheck } from "./node/self-check.ts";
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
  /** Called once when requests are served, with the addresses that were bound. */
  readonly onReady?: (at: { readonly dataPlane: Address; readonly admin: Address }) => void;
}

/** Runs the gateway until a signal ends it; resolves to the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const file = findConfigFile(options.configFile, options.environment);
  const loaded = readConfig(file, options.environment);
  if (!loaded.ok) {
    for (const fault of loaded.faults) options.complain(formatFault(fault));
    return EXIT.configuration;
  }
  for (const warning of loaded.warnings) options.complain(warning);
  const { config } = loaded;
  const log = createLog(config.log);
  try {
    const { tls } = config.server;
    const certificate = tls === null ? null : openCertificate(tls, { log, clock: systemClock });
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
    const whole = readConfig(file, options.environment, madeEntities(node.state));
    if (!whole.ok) {
      for (const fault of whole.faults) options.complain(formatFault(fault));
      await closeNode(node);
      return EXIT.configuration;
    }
    return await run({ options, file, config: whole.config, log, node, certificate });
  } catch (error) {
    if (error instanceof CannotPresent) {
      options.complain(error.message);
      return EXIT.configuration;
    }
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
  /** Null: the data plane speaks plain HTTP. */
  readonly certificate: ServerCertificate | null;
}

async function run(running: Running): Promise<number> {
  const { options, file, config, log, node } = running;
  const snapshots = new Snapshots(node, config.dataDir, log);
  const assembled = await assemble(running, snapshots);
  const { configuration, gateway, control, signals, token, clients, selfCheck } = assembled;
  selfCheck.start();
  const retention = startRetention(node, {
    retainMs: () => configuration.inForce.config.journal.retainMs,
    savedPosition: () => snapshots.savedPosition(),
    nowMs: assembled.nowMs,
    log,
  });
  const watch = file === null ? null : watchFiles([file], () => void assembled.reload());
  const adminAddress = await listenForControl(control, config);
  await listenPrivately(control, config, log);
  const dataPlane = await listen(gateway.server, config.server.listen, LISTEN_SETTING);
  assembled.listening(dataPlane);
  greet({ options, config: configuration.inForce.config, dataPlane, adminAddress, token });
  options.onReady?.({ dataPlane, admin: adminAddress });

  await signals.stop;
  log.info("draining", { drain_seconds: config.server.drainMs / 1000 });
  watch?.close();
  running.certificate?.close();
  await closeServer(gateway.server, signals.deadline(config.server.drainMs));
  await gateway.idle(SETTLE_MS);
  await control.close();
  selfCheck.stop();
  retention.stop();
  await snapshots.stop();
  assembled.upstreamHealth.stop();
  await clients.close();
  await closeNode(node);
  log.info("stopped");
  return EXIT.ok;
}

async function closeNode(node: OpenNode): Promise<void> {
  await node.views.close();
  await node.journal.close();
  node.release();
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
    log.warn(
      `commands cannot use ${path}; set TOLLGATE_ADMIN_URL and TOLLGATE_ADMIN_TOKEN for them`,
      {
        error: String(error),
      },
    );
  }
}

async function assemble(running: Running, snapshots: Snapshots) {
  const { config, log, node, certificate } = running;
  const clock = systemClock;
  const hasher = nodeHasher(config.dataDir);
  const clients = createClients(config);
  const notBeforeMs = node.opened.recovered.lastTimeMs ?? 0;
  const ledgerClock = nodeClock(config, { clock, clients, log, notBeforeMs });
  const { nowMs } = ledgerClock;
  chargeInterrupted({ config, log, node, nowMs: nowMs() });
  const upstreamHealth = openUpstreamHealth(config.dataDir, { clock, log });
  const { health } = upstreamHealth;
  const configuration = await startConfiguration(running, { hasher, nowMs, health });
  const reload = reloadWith(configuration, certificate, log);
  const signals = createSignals(() => void reload());
  const providerHealth = createProviderHealth(health);
  const budgets = () => budgetViews(node.state.fold.ledger, nowMs());
  const journalLagMs = () => node.journal.lagMs();
  const queueWaiting = () => serving.fair.waitingBy();
  const metrics = createMetrics({ budgets, journalLagMs, queueWaiting });
  const breached = metrics.invariantBreached;
  const selfCheck = new SelfCheck({ state: () => node.state.fold, log, breached });
  const parts: GatewayParts = {
    node,
    ...waitingAndStopping(node, { clock, nowMs }),
    configuration,
    clients,
    ledgerClock,
    clock,
    providerHealth,
    upstreamHealth,
    credentials: credentialsBy(clients, running.options.environment),
    draining: signals.draining,
    cutOff: signals.cutOff,
    metrics,
    log,
  };
  const pair = certificate?.pair() ?? null;
  const serving = gatewayOf(parts);
  const gateway = createGatewayServer(serving, () => healthOf(parts), pair);
  certificate?.onChange(gateway.present);
  const token = adminToken(config.dataDir, config.admin.token, hasher);
  let dataPlane = config.server.listen;
  const listening = (address: Address) => {
    dataPlane = address;
  };
  const control = createControlServer({
    ...controlPorts(parts, { certificate, selfCheck }),
    ...operations({ node, snapshots, token, log }),
    verifyToken: token.verify,
    dataPlaneUrl: () => urlOf(dataPlane, schemeOf(config)),
    budgets,
    ...createAdministration({ node, configuration, hasher, nowMs, selfCheck }),
    metricsText: metrics.metricsText,
  });
  return {
    configuration,
    reload,
    gateway,
    control,
    signals,
    token,
    clients,
    nowMs,
    listening,
    selfCheck,
    upstreamHealth,
  };
}

function credentialsBy(clients: Clients, environment: Environment): GatewayParts["credentials"] {
  const asking = { clock: systemClock, client: clients.network, environment };
  return authenticateWith(createAuthenticators(asking));
}

function reloadWith(
  configuration: Configuration,
  certificate: ServerCertificate | null,
  log: Log,
): () => Promise<void> {
  return async () => {
    await configuration.reload();
    followConfig(certificate, configuration.inForce.config.server.tls, log);
  };
}

function startConfiguration(
  { options, file, config, log, node }: Running,
  of: { readonly hasher: Hasher; readonly nowMs: () => number; readonly health: Health },
): Promise<Configuration> {
  const { environment } = options;
  const history = createHistory(node.views);
  const { hasher, nowMs, health } = of;
  const onChanged = (before: Config, after: Config) => forgetChangedKeys(health, before, after);
  const services = { node, hasher, history, nowMs, log, onChanged };
  return Configuration.start({ file, environment, ...services }, config);
}

/** What the control API may do with the node as a whole. */
function operations(of: {
  readonly node: OpenNode;
  readonly snapshots: Snapshots;
  readonly token: AdminToken;
  readonly log: Log;
}) {
  const { node, snapshots, token, log } = of;
  return {
    backupPoint: createBackupPoint(node, snapshots),
    resetAdminToken: () => {
      const made = token.reset();
      if (made !== null) log.warn("the admin token was replaced; the one before is void");
      return made;
    },
  };
}

/** What the control API shows of the parts. */
function controlPorts(
  parts: GatewayParts,
  {
    certificate,
    selfCheck,
  }: { readonly certificate: ServerCertificate | null; readonly selfCheck: SelfCheck },
) {
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
      configurationFault: configuration.fault ?? certificate?.fault() ?? null,
      invariantBreaches: selfCheck.breaches(),
    }),
    inFlight: () => inFlightOf(node),
    explainPrice: (model: string, atMs: number, kind?: string) =>
      configuration.inForce.ruling.prices.explain(model, atMs, kind),
    ...explainersOf(parts),
    findings: () => node.state.findings.list(),
    sessions: createSessionViews({
      book: node.state.sessions,
      control: parts.sessionControl,
      config: () => configuration.inForce.config,
      nowMs: parts.ledgerClock.nowMs,
    }),
    pricedModels: (kind?: string) => configuration.inForce.ruling.prices.wireIds(kind),
  };
}

/** Dry runs by what is in force. */
function explainersOf({ node, configuration, upstreamHealth, ledgerClock }: GatewayParts) {
  const known = {
    ruling: () => configuration.inForce.ruling,
    ledger: node.state.fold.ledger,
    health: upstreamHealth.health,
    nowMs: ledgerClock.nowMs,
  };
  const explainRoute = createRouteExplainer(known);
  return { explainRoute, why: createWhy({ ...known, explainRoute }) };
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
  const url = urlOf(dataPlane, schemeOf(config));
  say(`Tollgate ${version} is ready: ${url} (control API ${urlOf(adminAddress, "http")})`);
  if (config.file === null && isEmbedded(config))
    say(
      "No provider key is set: the embedded rehearsal provider answers. No real model is called.",
    );
  if (token.madeNow !== null) say(`Admin token (shown this once): ${token.madeNow}`);
  if (config.file !== null) return;
  say("Point Claude Code at it:");
  say(`export ANTHROPIC_BASE_URL=${url}/anthropic`);
  say(`export ANTHROPIC_API_KEY=${defaultKey(config.dataDir)}`);
}

function isEmbedded(config: Config): boolean {
  return config.providers.some(({ kind }) => rowOf(kind)?.transport === "embedded");
}

function urlOf({ host, port }: Address, scheme: "http" | "https"): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function schemeOf({ server }: Config): "http" | "https" {
  return server.tls === null ? "http" : "https";
}

function inFlightOf({ state }: OpenNode) {
  const holds = [...state.fold.ledger.holds()];
  return { attempts: holds.length, held: holds.reduce((sum, { need }) => sum + need, 0n) };
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
