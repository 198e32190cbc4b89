/** The gateway's admission without a socket: real ledger, policy, prices and waiting room, a clock to step. */
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { isRefusal, type Refusal } from "../../src/core/refusal.ts";
import { NO_USAGE } from "../../src/core/usage.ts";
import { admit } from "../../src/gateway/admit.ts";
import type { AdmitRequest } from "../../src/gateway/demand.ts";
import type { Admitted } from "../../src/gateway/take.ts";
import { begin, type Exchange } from "../../src/gateway/exchange.ts";
import { identify } from "../../src/gateway/identify.ts";
import type { Gateway, Metrics, Ruling } from "../../src/gateway/ports.ts";
import { plainTarget } from "../../src/gateway/candidates.ts";
import { route } from "../../src/gateway/route.ts";
import { Seats } from "../../src/routing/stickiness/seats.ts";
import { Runaways } from "../../src/gateway/runaway.ts";
import { SessionLog } from "../../src/gateway/session-log.ts";
import { subjectOf } from "../../src/gateway/subject.ts";
import { FairWaiting } from "../../src/gateway/fair-waiting.ts";
import { WaitingRoom } from "../../src/gateway/waiting.ts";
import { Hasher } from "../../src/identity/key-ring.ts";
import type { Journal } from "../../src/journal/journal.ts";
import type { JournalRecord } from "../../src/journal/record.ts";
import { createLedgerClock } from "../../src/ledger/clock.ts";
import { TurnMemory } from "../../src/ledger/memory.ts";
import { configure } from "../../src/node/configure.ts";
import { RetryBudget } from "../../src/routing/attempts/budget.ts";
import { Health } from "../../src/routing/health/health.ts";
import { createProviderHealth } from "../../src/node/provider-health.ts";
import { createSessionControl } from "../../src/node/session-control.ts";
import { emptyState } from "../../src/node/state.ts";
import { SessionTtls } from "../../src/policy/levers/session-ttls.ts";
import { Sessions } from "../../src/policy/sessions.ts";
import type { UpstreamClient } from "../../src/providers/upstream.ts";
import { scanMessagesBody } from "../../src/wire/anthropic/scan.ts";
import { configOf } from "../config/loading.ts";

const ADMISSION_SECRET = "vk_ada0123456789abcdefghij";
const STEP_MS = 100;

/** Stands for the time that passes: `node:test`'s mocked timers. */
export interface Ticking {
  readonly tick: (ms: number) => void;
}

export interface AdmissionOptions {
  /** Fields of the only key: budgets, limits. */
  readonly key: object;
  /** Fields of the whole file: mode, customers, teams, keys with `secret: env:NAME`; the key's are not used then. */
  readonly document?: object;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly budgetWaitMs?: number;
  /** What the upstream counts; null: it gives no count in time. Called at each count. */
  readonly count?: () => Promise<number | null>;
  readonly startMs?: number;
  readonly timers: Ticking;
}

export interface AskOptions {
  readonly body: Buffer;
  readonly session?: string | null;
  /** The virtual key's; the only key's where it is left out. */
  readonly secret?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request on its way: its exchange, and what admission gives. */
export interface Asked {
  readonly exchange: Exchange;
  readonly result: Promise<Admitted | Refusal>;
}

/** One node that only admits. */
export class Admission {
  readonly state = emptyState();
  readonly records: JournalRecord[] = [];
  readonly gateway: Gateway;
  /** Bodies of the counts that were asked for. */
  readonly counted: Buffer[] = [];
  isDraining = false;
  #ruling: Ruling | null = null;
  #wallMs: number;
  #monotonicMs = 0;
  readonly #timers: Ticking;
  readonly #hasher = new Hasher(Buffer.alloc(32));
  readonly #options: AdmissionOptions;

  private constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#wallMs = options.startMs ?? Date.parse("2026-11-23T10:00:00Z");
    this.#timers = options.timers;
    this.gateway = this.#gatewayOf(options.count ?? (() => Promise.resolve(null)));
  }

  static async open(options: AdmissionOptions): Promise<Admission> {
    const admission = new Admission(options);
    await admission.reload(options.key, options.document);
    return admission;
  }

  /** Brings other fields of the key into force. */
  async reload(key: object, more: object = {}): Promise<void> {
    const provider = {
      id: "anthropic",
      kind: "anthropic",
      base_url: "http://127.0.0.1:9",
      keys: [{ id: "main", secret: "env:SECRET" }],
    };
    const document = {
      providers: [provider],
      customers: [{ id: "acme" }],
      teams: [{ id: "platform", customer: "acme" }],
      virtual_keys: [{ id: "ada", team: "platform", secret: "env:ADA_KEY", ...key }],
      ...more,
    };
    const { secrets } = this.#options;
    const environment = { SECRET: "sk-upstream", ADA_KEY: ADMISSION_SECRET, ...secrets };
    this.#ruling = await configure({
      config: configOf(JSON.stringify(document), { environment }),
      digest: JSON.stringify([key, more]),
      state: this.state,
      journal: this.#journal(),
      history: { spent: notAsked, spenders: notAsked, sessions: notAsked },
      hasher: this.#hasher,
      nowMs: () => this.gateway.ledgerClock.nowMs(),
    });
  }

  /** Revokes the key, as the API does. */
  revoke(key: object): Promise<void> {
    const time = new Date(this.#wallMs).toISOString();
    const of = { entity: "virtual_key", id: "ada", actor: "test", before: null, after: null };
    this.state.identities.apply({ type: "admin_change", time, action: "revoke", ...of });
    return this.reload(key);
  }

  get ruling(): Ruling {
    if (this.#ruling === null) throw new Error("not configured");
    return this.#ruling;
  }

  ask({ body, session = null, secret = ADMISSION_SECRET, headers = {} }: AskOptions): Asked {
    const exchange = this.#exchange({
      "x-api-key": secret,
      ...(session === null ? {} : { "x-claude-code-session-id": session }),
      ...headers,
    });
    const request = this.#request(exchange, body);
    return { exchange, result: admit(request, this.gateway) };
  }

  /** Ends an attempt: it has cost so much. */
  settle({ hold }: Admitted, cost: bigint): void {
    const nowMs = this.gateway.ledgerClock.nowMs();
    this.gateway.ledger.settle(hold, { cost, usage: NO_USAGE }, nowMs);
  }

  /** Lets time pass for clocks and timers alike, and what waits for it run. */
  async pass(ms: number): Promise<void> {
    await settled();
    for (let left = ms; left >= 0; left -= STEP_MS) {
      const step = Math.min(STEP_MS, left);
      this.#wallMs += step;
      this.#monotonicMs += step;
      this.#timers.tick(step);
      await settled();
    }
  }

  /** Sets both clocks forward; timers are left alone. */
  jumpTo(wallMs: number): void {
    this.#monotonicMs += wallMs - this.#wallMs;
    this.#wallMs = wallMs;
  }

  /** What all windows of the ledger hold and count in flight. */
  held(): { readonly usd: bigint; readonly inFlight: number } {
    const windows = [...this.gateway.ledger.windows()];
    return {
      usd: windows.reduce((sum, { held }) => sum + held, 0n),
      inFlight: windows.reduce((sum, { inFlight }) => sum + inFlight, 0),
    };
  }

  #exchange(headers: Readonly<Record<string, string>>): Exchange {
    const request = new IncomingMessage(new Socket());
    Object.assign(request.headers, headers);
    const response = new ServerResponse(request);
    const target = "/v1/messages";
    return begin(this.gateway, { request, response, endpoint: "messages", target });
  }

  #request(exchange: Exchange, bytes: Buffer): AdmitRequest {
    const scanned = scanMessagesBody([bytes]);
    if (!scanned.ok) throw new Error(scanned.fault.problem);
    const { body } = scanned;
    const { headers } = exchange.request;
    const plan = identify(headers, this.ruling, this.#wallMs);
    if (isRefusal(plan)) throw new Error(plan.message);
    exchange.plan = plan;
    exchange.subject = subjectOf(headers, { body, chunks: [bytes] }, "messages");
    const model = body.model ?? "";
    const routed = route({ exchange, plan, model, body }, this.gateway);
    if (isRefusal(routed)) throw new Error(routed.message);
    const [candidate] = routed.candidates;
    if (candidate === undefined) throw new Error("no candidate");
    const { waived } = routed;
    return { exchange, plan, model, body, chunks: [bytes], target: plainTarget(candidate), waived };
  }

  #gatewayOf(count: () => Promise<number | null>): Gateway {
    const clock = { wallMs: () => this.#wallMs, monotonicMs: () => this.#monotonicMs };
    const { ledger } = this.state.fold;
    const health = new Health({ clock, pressure: () => 0 });
    return {
      ruling: () => this.ruling,
      ledger,
      ledgerClock: createLedgerClock({ clock, notBeforeMs: 0, askWitness: null }),
      clock,
      journal: this.#journal(),
      sessions: new Sessions(),
      sessionBook: this.state.sessions,
      runaways: new Runaways(this.state.findings),
      sessionControl: createSessionControl({
        node: { state: this.state, journal: this.#journal() },
        nowMs: () => this.#wallMs,
        onChanged: () => undefined,
      }),
      sessionLog: new SessionLog(),
      sessionTtls: new SessionTtls(),
      seats: new Seats(),
      anonymousRecords: { allow: () => true },
      anonymousLines: { allow: () => true },
      trustedProxies: () => [],
      isFirst: () => false,
      upstream: () => this.#counting(count),
      authenticate: () => ({ ok: true, headers: {} }),
      forgetCredential: () => undefined,
      providerHealth: createProviderHealth(health),
      health,
      retries: new RetryBudget(),
      random: () => 0.5,
      turns: new TurnMemory(),
      waiting: new WaitingRoom(ledger, clock),
      fair: new FairWaiting(ledger, {
        clock,
        settings: () => ({ enabled: true, queueMax: 1_000, waitMs: 60_000 }),
        onWaited: () => undefined,
      }),
      budgetWaitMs: () => this.#options.budgetWaitMs ?? 60_000,
      maxBodyBytes: () => 2 ** 20,
      timeouts: () => ({ headerMs: 1, bodyIdleMs: 1, connectMs: 1, firstByteMs: 1, idleMs: 1 }),
      draining: () => this.isDraining,
      cutOff: () => false,
      metrics: NO_METRICS,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    };
  }

  #counting(count: () => Promise<number | null>): UpstreamClient {
    return {
      send: (request, events) => {
        this.counted.push(Buffer.concat(request.body ?? []));
        void count().then((tokens) => {
          if (tokens === null) return events.onFailure({ kind: "reset", sent: true, detail: "" });
          events.onHead(200, {});
          events.onData(Buffer.from(JSON.stringify({ input_tokens: tokens })));
          return events.onEnd();
        });
        return { pause: () => undefined, resume: () => undefined, cancel: () => undefined };
      },
      close: () => Promise.resolve(),
    };
  }

  #journal(): Journal {
    const { records } = this;
    return {
      intent: (record) => Promise.resolve(void records.push(record)),
      outcome: (record) => void records.push(record),
      appendedSeq: () => 0,
      writtenSeq: () => 0,
      writtenHash: () => "",
      writtenTime: () => null,
      unavailable: () => null,
      lagMs: () => 0,
      onWritten: () => undefined,
      close: () => Promise.resolve(),
    };
  }
}

const NO_METRICS: Metrics = {
  requestBegins: () => undefined,
  requestLeaves: () => undefined,
  requestEnds: () => undefined,
  runawayFound: () => undefined,
  attemptEnds: () => undefined,
  holdOverrun: () => undefined,
  queueWaitEnds: () => undefined,
};

/** No budget is added to what has spent already. */
function notAsked(): never {
  throw new Error("no history is asked for");
}

/** Lets promises that are resolved already run what hangs on them. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
