/** Joins a node's parts into what the data plane needs. */
import type { Clock } from "../core/time.ts";
import type { Gateway, Log, Metrics, ProviderHealth, SessionControl } from "../gateway/ports.ts";
import type { HealthReport } from "../gateway/server.ts";
import { createLedgerClock, type LedgerClock } from "../ledger/clock.ts";
import { FairWaiting } from "../gateway/fair-waiting.ts";
import type { WaitingRoom } from "../gateway/waiting.ts";
import { TurnMemory } from "../ledger/memory.ts";
import { Runaways } from "../gateway/runaway.ts";
import { SessionLog } from "../gateway/session-log.ts";
import { SessionTtls } from "../policy/levers/session-ttls.ts";
import { Sessions } from "../policy/sessions.ts";
import type { Config } from "../config/config.ts";
import type { Clients } from "./clients.ts";
import type { UpstreamHealth } from "./provider-health.ts";
import type { OpenNode } from "./open-node.ts";
import type { Configuration } from "./reload.ts";
import { askDate, witnessOrigin } from "./witness.ts";

const ANONYMOUS_RECORDS_PER_SECOND = 100;
const ANONYMOUS_LINES_PER_SECOND = 10;
const TOPICS_MAX = 1000;

/** The node's ledger clock, which asks the first provider over the network when this machine's jumps. */
export function nodeClock(
  config: Config,
  services: {
    readonly clock: Clock;
    readonly clients: Clients;
    readonly log: Log;
    readonly notBeforeMs: number;
  },
): LedgerClock {
  const { clock, clients, log, notBeforeMs } = services;
  const origin = witnessOrigin(config);
  const ask = async (from: string) => {
    const dateMs = await askDate(from, clients);
    if (dateMs !== null) ledgerClock.witness(dateMs);
    if (ledgerClock.unconfirmedJumpMs() > 0)
      log.warn("the clock jumped forwards and no provider confirms it: windows stay as they are");
  };
  const ledgerClock = createLedgerClock({
    clock,
    notBeforeMs,
    askWitness: origin === null ? null : () => void ask(origin),
  });
  return ledgerClock;
}

export interface GatewayParts {
  readonly node: OpenNode;
  readonly configuration: Configuration;
  readonly clients: Clients;
  readonly ledgerClock: LedgerClock;
  readonly clock: Clock;
  readonly providerHealth: ProviderHealth;
  readonly upstreamHealth: Omit<UpstreamHealth, "stop">;
  readonly credentials: Pick<Gateway, "authenticate" | "forgetCredential">;
  readonly sessionControl: SessionControl;
  readonly waiting: WaitingRoom;
  readonly draining: () => boolean;
  readonly cutOff: () => boolean;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** The gateway of a node. */
export function gatewayOf(parts: GatewayParts): Gateway {
  const { node, configuration, clients } = parts;
  return {
    ruling: () => configuration.inForce.ruling,
    ledger: node.state.fold.ledger,
    journal: node.journal,
    sessions: new Sessions(),
    sessionBook: node.state.sessions,
    sessionControl: parts.sessionControl,
    runaways: new Runaways(node.state.findings),
    sessionLog: new SessionLog(),
    sessionTtls: new SessionTtls(),
    seats: parts.upstreamHealth.seats,
    anonymousRecords: perSecond(ANONYMOUS_RECORDS_PER_SECOND, parts.clock),
    anonymousLines: perSecond(ANONYMOUS_LINES_PER_SECOND, parts.clock),
    trustedProxies: () => configuration.inForce.config.server.trustedProxies,
    isFirst: firstTimes(),
    upstream: (kind) => clients.of(kind),
    turns: new TurnMemory(),
    waiting: parts.waiting,
    fair: new FairWaiting(node.state.fold.ledger, {
      clock: parts.clock,
      settings: () => configuration.inForce.config.fairness,
      onWaited: parts.metrics.queueWaitEnds,
    }),
    budgetWaitMs: () => configuration.inForce.config.server.budgetWaitMs,
    maxBodyBytes: () => configuration.inForce.config.server.maxBodyBytes,
    timeouts: () => configuration.inForce.config.server.timeouts,
    health: parts.upstreamHealth.health,
    retries: parts.upstreamHealth.retries,
    random: Math.random,
    ...parts.credentials,
    ...pick(parts),
  };
}

/** Allows so many calls in each second. */
function perSecond(count: number, clock: Clock): { readonly allow: () => boolean } {
  let second = 0;
  let used = 0;
  return {
    allow() {
      const now = Math.floor(clock.monotonicMs() / 1000);
      if (now !== second) [second, used] = [now, 0];
      return ++used <= count;
    },
  };
}

/** Remembers a bounded number of topics; past it every topic has been heard of. */
function firstTimes(): (topic: string) => boolean {
  const topics = new Set<string>();
  return (topic) => {
    if (topics.has(topic) || topics.size >= TOPICS_MAX) return false;
    topics.add(topic);
    return true;
  };
}

function pick(parts: GatewayParts) {
  const { ledgerClock, clock, providerHealth, draining, cutOff, metrics, log } = parts;
  return { ledgerClock, clock, providerHealth, draining, cutOff, metrics, log };
}

/** Whether the node serves requests, and why not. */
export function healthOf(parts: Pick<GatewayParts, "node" | "draining">): HealthReport {
  const reasons: string[] = [];
  if (parts.draining()) reasons.push("the gateway is draining");
  const unavailable = parts.node.journal.unavailable();
  if (unavailable !== null) reasons.push("the journal cannot be written");
  return { ready: reasons.length === 0, reasons };
}
