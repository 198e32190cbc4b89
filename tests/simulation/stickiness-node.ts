/** A node's own route, seat and course over simulated upstreams: everything but sockets and money. */
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { roundUp, type NanoUsd } from "../../src/core/money.ts";
import { isRefusal } from "../../src/core/refusal.ts";
import { NO_USAGE } from "../../src/core/usage.ts";
import type { Target } from "../../src/gateway/candidates.ts";
import { Course } from "../../src/gateway/course.ts";
import { begin, type Exchange } from "../../src/gateway/exchange.ts";
import { identify } from "../../src/gateway/identify.ts";
import type { Gateway, Ruling } from "../../src/gateway/ports.ts";
import type { Relayed } from "../../src/gateway/relay.ts";
import { route } from "../../src/gateway/route.ts";
import { seat, sitDown } from "../../src/gateway/seat.ts";
import { subjectOf } from "../../src/gateway/subject.ts";
import type { Seat, Sitter } from "../../src/routing/stickiness/seats.ts";
import { billedOnce, NOTHING_READ } from "../../src/wire/answer.ts";
import { scanMessagesBody } from "../../src/wire/anthropic/scan.ts";
import type { MessagesBody } from "../../src/wire/anthropic/body.ts";
import { sleep, type EventLoop, type Process } from "./events.ts";
import { streamOf, type Stream } from "./random.ts";
import { FIVE_MINUTES_MS } from "./stickiness-client.ts";
import { bootGateway, fileOf, rulingOf, SECRET, VIRTUAL_KEY } from "./stickiness-gateway.ts";
import type { Ask, Leaving, Reply, Service, Upstreams } from "./stickiness-upstream.ts";
import { providerOf, type Account } from "./stickiness-weather.ts";

const DRAIN_MS = 30_000;
const POLL_MS = 250;

/** Two keys at the first provider, one at the second. */
export const ACCOUNTS: readonly Account[] = ["anthropic/a", "anthropic/b", "reserve/a"];

/** One request that was served: its conversation's seat before and after, and what its row says. */
export interface Served {
  readonly kind: Ask["kind"];
  readonly at: Account;
  /** Unix milliseconds of its arrival. */
  readonly atMs: number;
  readonly before: Seat | null;
  readonly after: Seat | null;
  readonly note: string | null;
  /** Null where it was served where its conversation was before, or has none. */
  readonly leaving: Leaving | null;
}

export interface NodeOptions {
  readonly seed: number;
  readonly loop: EventLoop;
  readonly upstreams: Upstreams;
  readonly routing: object;
}

/** The node before its upstreams; a restart keeps what its file keeps. */
export class Node implements Service {
  readonly served: Served[] = [];
  readonly #options: NodeOptions;
  readonly #ruling: Ruling;
  readonly #random: Stream;
  #gateway: Gateway;
  /** Requests in the process that serves now. */
  #inFlight = { count: 0 };
  #isDraining = false;
  /** Conversations of which the last answer was cut off with its process. */
  readonly #untold = new Set<string>();

  private constructor(options: NodeOptions, ruling: Ruling) {
    this.#options = options;
    this.#ruling = ruling;
    this.#random = streamOf(options.seed, "node");
    this.#gateway = this.#boot(null);
  }

  static async open(options: NodeOptions): Promise<Node> {
    return new Node(options, await rulingOf(options.loop, options.routing));
  }

  /** Another process takes over after a drain; whoever asks meanwhile waits, what lasts longer is cut off. */
  *restart(): Process {
    const { loop } = this.#options;
    const untilMs = loop.nowMs + DRAIN_MS;
    this.#isDraining = true;
    while (this.#inFlight.count > 0 && loop.nowMs < untilMs) yield* sleep(loop, POLL_MS);
    this.#gateway = this.#boot(fileOf(this.#gateway));
    this.#inFlight = { count: 0 };
    this.#isDraining = false;
  }

  *ask(ask: Ask): Process<Reply> {
    while (this.#isDraining) yield* sleep(this.#options.loop, POLL_MS);
    const gateway = this.#gateway;
    const inFlight = this.#inFlight;
    inFlight.count++;
    const reply = yield* this.#serve(ask, gateway);
    inFlight.count--;
    if (gateway === this.#gateway) return reply;
    this.#untold.add(ask.prompt.own.name);
    return { kind: "cut" };
  }

  *#serve(ask: Ask, gateway: Gateway): Process<Reply> {
    const { exchange, course } = this.#begin(ask, gateway);
    const isUntold = this.#untold.delete(ask.prompt.own.name);
    const departure = new Departure(ask, gateway, { ...this.#options, isUntold });
    let target = course.first();
    let reply: Reply = { kind: "refused", status: 503, retryAfterSeconds: 5 };
    while (target !== null) {
      const at = accountOf(target);
      const sentMs = this.#options.loop.nowMs;
      const refused = yield* this.#options.upstreams.attempt(at, ask, {
        leaving: () => departure.why(),
        onServing: () => course.serving((this.#options.loop.nowMs - sentMs) / 1000),
      });
      if (refused === null)
        return this.#conclude({ ask, exchange, target, course, gateway, departure });
      const failed = course.classify(relayedOf(refused.status, refused.retryAfterSeconds));
      if (failed === null) throw new Error("a refusal is a failure");
      departure.refused.add(at);
      reply = { kind: "refused", ...refused };
      const { next, waitMs } = course.after(failed);
      if (next !== null) yield* sleep(this.#options.loop, waitMs);
      target = next;
    }
    return reply;
  }

  #conclude(of: {
    readonly ask: Ask;
    readonly exchange: Exchange;
    readonly target: Target;
    readonly course: Course;
    readonly gateway: Gateway;
    readonly departure: Departure;
  }): Reply {
    const { ask, exchange, target, course, gateway, departure } = of;
    const { prompt, isCut, kind } = ask;
    const usage = { ...NO_USAGE, input_tokens: prompt.own.tokens };
    const billed = billedOnce(usage, false);
    const whole = relayedOf(200, null);
    course.ended({
      ...whole,
      answered: true,
      complete: !isCut,
      failure: isCut ? { kind: "reset", sent: true, detail: "cut" } : null,
      reading: { ...NOTHING_READ, billed, isAnswer: true },
    });
    const nowMs = gateway.clock.wallMs();
    const at = accountOf(target);
    const leaving = departure.from === null || departure.from === at ? null : departure.why();
    const before = gateway.seats.recall(sitterOf(ask), nowMs);
    sitDown(exchange, target, { billed, hourCache: prompt.lifetimeMs > FIVE_MINUTES_MS, gateway });
    const after = gateway.seats.recall(sitterOf(ask), nowMs);
    const { arrivedMs: atMs, routeNote: note } = exchange;
    this.served.push({ kind, at, atMs, before, after, note, leaving });
    return isCut ? { kind: "cut" } : { kind: "answered" };
  }

  #begin(ask: Ask, gateway: Gateway): { readonly exchange: Exchange; readonly course: Course } {
    const request = new IncomingMessage(SOCKET);
    Object.assign(request.headers, headersOf(ask));
    const response = new ServerResponse(request);
    const exchange = begin(gateway, {
      request,
      response,
      endpoint: "messages",
      target: "/v1/messages",
    });
    const { headers } = request;
    const plan = identify(headers, this.#ruling, gateway.clock.wallMs());
    if (isRefusal(plan)) throw new Error(plan.message);
    const { model } = ask.prompt;
    const { body, chunks } = bodyOf(model);
    exchange.plan = plan;
    exchange.subject = subjectOf(headers, { body, chunks }, "messages");
    const routed = route({ exchange, plan, model, body }, gateway);
    if (isRefusal(routed)) throw new Error(routed.message);
    const seated = seat(exchange, routed.candidates, gateway);
    return { exchange, course: new Course(exchange, { ...routed, ...seated }, gateway) };
  }

  #boot(file: string | null): Gateway {
    const { loop } = this.#options;
    return bootGateway({ loop, ruling: this.#ruling, random: this.#random, file });
  }

  /** What it costs to write a prompt anew instead of reading it, for so long a life in the cache. */
  coldCost({ model, historyTokens, cacheMs }: Seat, atMs: number): NanoUsd {
    const { rates } = this.#ruling.prices.resolve(model, atMs, "anthropic");
    const write = cacheMs > FIVE_MINUTES_MS ? rates.cacheWrite1h : rates.cacheWrite5m;
    return roundUp(BigInt(historyTokens) * (write - rates.cacheRead));
  }
}

/** Why a request is not answered where its conversation's cache is. */
class Departure {
  readonly from: Account | null;
  readonly refused = new Set<Account>();
  readonly #isTrusted: () => boolean;
  readonly #isShut: () => boolean;
  readonly #wasTrusted: boolean;
  readonly #wasShut: boolean;
  readonly #isUntold: boolean;

  constructor(
    { prompt }: Ask,
    { health, fair }: Gateway,
    at: NodeOptions & { readonly isUntold: boolean },
  ) {
    const { upstreams, loop } = at;
    this.#isUntold = at.isUntold;
    const from = upstreams.lastOf(prompt)?.account ?? null;
    this.from = from;
    const id = from?.slice(from.indexOf("/") + 1) ?? "";
    this.#isTrusted = () => {
      if (from === null) return true;
      const provider = providerOf(from);
      // After a 429 a key is given back by degrees.
      const isFull = fair.regained.isBound(provider, id) && !fair.regained.hasRoom(provider, id);
      return !isFull && health.isHealthy(provider, [{ id, weight: 1 }]);
    };
    this.#isShut = () => from !== null && upstreams.weather.isShut(from, loop.nowMs);
    this.#wasTrusted = this.#isTrusted();
    this.#wasShut = this.#isShut();
  }

  why(): Leaving {
    if (this.#wasShut || this.#isShut()) return "shut";
    if (this.from !== null && this.refused.has(this.from)) return "refused";
    if (!this.#wasTrusted || !this.#isTrusted()) return "caution";
    return this.#isUntold ? "restart" : "free";
  }
}

function accountOf({ use, credential }: Target): Account {
  return `${use.provider.id}/${credential?.id ?? ""}`;
}

function sitterOf({ session, agent }: Ask): Sitter {
  return { virtualKey: VIRTUAL_KEY, session, agent };
}

function headersOf({ session, agent, parentAgent, kind }: Ask) {
  return {
    "x-api-key": SECRET,
    "x-claude-code-session-id": session,
    "x-claude-code-request-class": kind,
    ...(agent === null ? {} : { "x-claude-code-agent-id": agent }),
    ...(parentAgent === null ? {} : { "x-claude-code-parent-agent-id": parentAgent }),
  };
}

const SOCKET = new Socket();

interface Scanned {
  readonly body: MessagesBody;
  readonly chunks: readonly Buffer[];
}

const bodies = new Map<string, Scanned>();

function bodyOf(model: string): Scanned {
  const known = bodies.get(model);
  if (known !== undefined) return known;
  const messages = [{ role: "user", content: "Go on." }];
  const chunks = [
    Buffer.from(JSON.stringify({ model, max_tokens: 128_000, messages, stream: true })),
  ];
  const scanned = scanMessagesBody(chunks);
  if (!scanned.ok) throw new Error(scanned.fault.problem);
  const made = { body: scanned.body, chunks };
  bodies.set(model, made);
  return made;
}

function relayedOf(status: number, retryAfterSeconds: number | null): Relayed {
  return {
    status,
    upstreamHeaders: retryAfterSeconds === null ? {} : { "retry-after": String(retryAfterSeconds) },
    failure: null,
    complete: true,
    clientGone: false,
    reading: NOTHING_READ,
    seconds: 0,
    answered: false,
    held: [],
  };
}
