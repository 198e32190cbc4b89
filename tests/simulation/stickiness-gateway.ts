/** A process of the node without sockets, money and disk: what it keeps comes from the file of the one before. */
import type { Gateway, Metrics, Ruling } from "../../src/gateway/ports.ts";
import { Runaways } from "../../src/gateway/runaway.ts";
import { SessionLog } from "../../src/gateway/session-log.ts";
import { FairWaiting } from "../../src/gateway/fair-waiting.ts";
import { WaitingRoom } from "../../src/gateway/waiting.ts";
import { Hasher } from "../../src/identity/key-ring.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { createLedgerClock } from "../../src/ledger/clock.ts";
import { TurnMemory } from "../../src/ledger/memory.ts";
import { configure } from "../../src/node/configure.ts";
import { createProviderHealth } from "../../src/node/provider-health.ts";
import { createSessionControl } from "../../src/node/session-control.ts";
import { emptyState } from "../../src/node/state.ts";
import { SessionTtls } from "../../src/policy/levers/session-ttls.ts";
import { Sessions } from "../../src/policy/sessions.ts";
import { RetryBudget } from "../../src/routing/attempts/budget.ts";
import { Health } from "../../src/routing/health/health.ts";
import { Seats } from "../../src/routing/stickiness/seats.ts";
import { configOf } from "../config/loading.ts";
import type { EventLoop } from "./events.ts";
import type { Stream } from "./random.ts";

export const SECRET = "vk_ada0123456789abcdefghij";
export const VIRTUAL_KEY = "ada";

export interface ProcessParts {
  readonly loop: EventLoop;
  readonly ruling: Ruling;
  readonly random: Stream;
  /** Health and seats as the process before saved them; null: there was none. */
  readonly file: string | null;
}

/** What a process writes when it stops. */
export function fileOf({ health, seats }: Gateway): string {
  return JSON.stringify({ health: health.snapshot(), seats: seats.snapshot() });
}

export function bootGateway(of: ProcessParts): Gateway {
  const { loop, ruling, random, file } = of;
  const bootMs = loop.nowMs;
  const clock = { wallMs: () => loop.nowMs, monotonicMs: () => loop.nowMs - bootMs };
  const retries = new RetryBudget();
  const health = new Health({ clock, pressure: () => retries.pressure(clock.monotonicMs()) });
  const seats = new Seats();
  if (file !== null) {
    const saved: unknown = JSON.parse(file);
    if (typeof saved !== "object" || saved === null || !("health" in saved && "seats" in saved))
      throw new Error("the file of health and seats is none");
    health.restore(saved.health);
    seats.restore(saved.seats, clock.wallMs());
  }
  const state = emptyState();
  const { ledger } = state.fold;
  return {
    ruling: () => ruling,
    ledger,
    ledgerClock: createLedgerClock({ clock, notBeforeMs: 0, askWitness: null }),
    clock,
    journal: NO_JOURNAL,
    sessions: new Sessions(),
    sessionBook: state.sessions,
    runaways: new Runaways(state.findings),
    sessionControl: createSessionControl({
      node: { state, journal: NO_JOURNAL },
      nowMs: clock.wallMs,
      onChanged: () => undefined,
    }),
    sessionLog: new SessionLog(),
    sessionTtls: new SessionTtls(),
    seats,
    anonymousRecords: { allow: () => true },
    anonymousLines: { allow: () => true },
    trustedProxies: () => [],
    isFirst: () => false,
    upstream: unreached,
    authenticate: () => ({ ok: true, headers: {} }),
    forgetCredential: () => undefined,
    providerHealth: createProviderHealth(health),
    health,
    retries,
    random,
    turns: new TurnMemory(),
    waiting: new WaitingRoom(ledger, clock),
    fair: new FairWaiting(ledger, {
      clock,
      settings: () => ({ enabled: true, queueMax: 1_000, waitMs: 60_000 }),
      onWaited: () => undefined,
    }),
    budgetWaitMs: () => 60_000,
    maxBodyBytes: () => 2 ** 20,
    timeouts: () => TIMEOUTS,
    draining: () => false,
    cutOff: () => false,
    metrics: NO_METRICS,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  };
}

/** Two providers of one kind, the first with two keys, and one virtual key that may use both. */
export function rulingOf(loop: EventLoop, routing: object): Promise<Ruling> {
  const key = (id: string) => ({ id, secret: "env:SECRET" });
  const document = {
    providers: [
      { id: "anthropic", kind: "anthropic", keys: [key("a"), key("b")] },
      {
        id: "reserve",
        kind: "anthropic",
        base_url: "http://127.0.0.1:9",
        keys: [key("a")],
      },
    ],
    routing,
    customers: [{ id: "acme" }],
    teams: [{ id: "platform", customer: "acme" }],
    virtual_keys: [{ id: VIRTUAL_KEY, team: "platform", secret: "env:ADA_KEY" }],
  };
  const environment = { SECRET: "sk-upstream", ADA_KEY: SECRET };
  return configure({
    config: configOf(JSON.stringify(document), { environment }),
    digest: JSON.stringify(routing),
    state: emptyState(),
    journal: NO_JOURNAL,
    history: { spent: unreached, spenders: unreached, sessions: unreached },
    hasher: new Hasher(Buffer.alloc(32)),
    nowMs: () => loop.nowMs,
  });
}

const TIMEOUTS = {
  headerMs: 10_000,
  bodyIdleMs: 10_000,
  connectMs: 5_000,
  firstByteMs: 600_000,
  idleMs: 120_000,
} as const;

const NO_JOURNAL: Journal = {
  intent: () => Promise.resolve(),
  outcome: () => undefined,
  appendedSeq: () => 0,
  writtenSeq: () => 0,
  writtenHash: () => "",
  writtenTime: () => null,
  unavailable: () => null,
  lagMs: () => 0,
  onWritten: () => undefined,
  close: () => Promise.resolve(),
};

const NO_METRICS: Metrics = {
  requestBegins: () => undefined,
  requestLeaves: () => undefined,
  requestEnds: () => undefined,
  runawayFound: () => undefined,
  attemptEnds: () => undefined,
  holdOverrun: () => undefined,
  queueWaitEnds: () => undefined,
};

function unreached(): never {
  throw new Error("the simulation asks for no such thing");
}
