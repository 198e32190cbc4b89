/** A gateway with daily caps, its scripted provider, and the developers who spend against them. */
import { startGateway, type Gateway } from "../harness/gateway.ts";
import { smallConfig, UPSTREAM_KEY } from "../harness/gateway-config.ts";
import { send, type ErrorEnvelope, type RawAnswer } from "../harness/raw-request.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { drawDay, USUAL, type Developer, type SessionScript } from "../simulation/script.ts";
import { secretOf } from "./desk.ts";
import { createProvider, planName } from "./workload-provider.ts";
import {
  firstTokenMs,
  Session,
  type Question,
  type RefusedFor,
  type Reply,
} from "./workload-session.ts";

/** One key with its person; a cap of its own, or a team's that several share. */
export interface Member {
  readonly key: string;
  readonly team: string;
  readonly developer: Developer;
  readonly capUsd: number | null;
  /** Sessions that are open side by side. */
  readonly lanes: number;
}

export interface Team {
  readonly id: string;
  readonly capUsd: number | null;
}

/** A request that the gateway refused, as its sender knows it. */
export interface RefusedQuestion {
  readonly requestId: string;
  readonly code: RefusedFor;
  readonly status: number;
  readonly errorType: string;
  readonly model: string;
  readonly question: Question;
}

export interface WorkloadDesk {
  readonly gateway: Gateway;
  readonly upstream: Upstream;
  readonly refused: readonly RefusedQuestion[];
  /** Bytes of all bodies that were sent for messages. */
  readonly bodyBytes: readonly number[];
  /** By key: the most requests that were in flight at once. */
  readonly mostInFlight: ReadonlyMap<string, number>;
  /** Lets everybody work until their caps are exhausted. */
  readonly work: () => Promise<void>;
  readonly dispose: () => Promise<void>;
}

export interface WorkloadOptions {
  readonly seed: number;
  readonly members: readonly Member[];
  readonly teams: readonly Team[];
}

const WAIT_SECONDS = 2;
const IN_FLIGHT_MAX = 10;
const HOUR_MS = 3_600_000;
/** From this hour on, a day in UTC could end during the run. */
const LATE_HOUR = 20;

export async function startWorkloadDesk(options: WorkloadOptions): Promise<WorkloadDesk> {
  const provider = createProvider();
  const upstream = await startUpstream(provider.script, { keepBodies: false });
  const gateway = await startGateway(gatewayOf(upstream.url, options));
  const refused: RefusedQuestion[] = [];
  const bodyBytes: number[] = [];
  const mostInFlight = new Map<string, number>();

  async function ask(key: string, question: Question): Promise<Reply> {
    const { session, call, outputTokens, idleMs } = question;
    const isAside = !question.body.includes('"tools":[');
    provider.plan(planName(session, isAside ? "aside" : question.agent), {
      ...call,
      outputTokens,
      firstTokenMs: firstTokenMs(call),
      idleMs,
    });
    bodyBytes.push(question.body.length);
    const headers = headersOf(key, question);
    const sending = send(gateway.url, { path: "/v1/messages", headers, body: question.body });
    const reply = await sending.catch(() => null);
    if (reply === null) return { kind: "failed" };
    const said = replyOf(reply);
    if (said.kind === "refused") {
      const { code } = said;
      const errorType = (reply.json() as ErrorEnvelope).error.type;
      const requestId = String(reply.headers["tollgate-request-id"]);
      const model = modelOf(question.body);
      refused.push({ requestId, code, status: reply.status, errorType, model, question });
    }
    return said;
  }

  return {
    gateway,
    upstream,
    refused,
    bodyBytes,
    mostInFlight,
    work: async () => {
      const working = options.members.map((member) => {
        const turnstile = new Turnstile(IN_FLIGHT_MAX);
        const through = (question: Question) => turnstile.pass(() => ask(member.key, question));
        return workDay({ member, seed: options.seed, ask: through }).finally(() =>
          mostInFlight.set(member.key, turnstile.most),
        );
      });
      await Promise.all(working);
    },
    dispose: async () => {
      await gateway.dispose();
      await upstream.stop();
    },
  };
}

/** Session after session, some side by side, until the cap is exhausted or no fresh context fits. */
async function workDay(of: {
  readonly member: Member;
  readonly seed: number;
  readonly ask: (question: Question) => Promise<Reply>;
}): Promise<void> {
  const { member, ask } = of;
  const sessions = sessionsOf(member, of.seed);
  const day = { isOver: false };
  const askAndSee = async (question: Question): Promise<Reply> => {
    const reply = await ask(question);
    const code = reply.kind === "refused" ? reply.code : null;
    const fitsNoMore = code === "request_exceeds_budget" && question.isFresh;
    if (code === "budget_exhausted" || fitsNoMore) day.isOver = true;
    return reply;
  };
  const lane = async (): Promise<void> => {
    while (!day.isOver) await new Session(sessions.next().value, askAndSee).run();
  };
  await Promise.all(Array.from({ length: member.lanes }, lane));
}

/** The developer's sessions, day after day; one day of the gateway has as many as its cap lasts. */
function* sessionsOf({ key, developer }: Member, seed: number): Generator<SessionScript, never> {
  for (let day = 0; ; day++) {
    for (const script of drawDay({ seed, developer, day, midnightMs: 0, habits: USUAL }))
      yield { ...script, name: `${key}/${script.name}` };
  }
}

/** Lets so many through at once; the others queue. */
class Turnstile {
  most = 0;
  readonly #max: number;
  readonly #queue: (() => void)[] = [];
  #inside = 0;

  constructor(max: number) {
    this.#max = max;
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside === this.#max) {
      const turn = Promise.withResolvers<void>();
      this.#queue.push(turn.resolve);
      await turn.promise;
    } else {
      this.most = Math.max(this.most, ++this.#inside);
    }
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#inside--;
      else next();
    }
  }
}

function headersOf(key: string, question: Question): Record<string, string> {
  const { session, agent, isCompaction } = question;
  return {
    "x-api-key": secretOf(key),
    "content-type": "application/json",
    "anthropic-version": "2023-06-01",
    "x-claude-code-session-id": session,
    ...(agent === null ? {} : { "x-claude-code-agent-id": agent }),
    ...(isCompaction ? { "x-claude-code-request-class": "compaction" } : {}),
  };
}

function replyOf(answer: RawAnswer): Reply {
  if (answer.status !== 200) return refusalOf(answer);
  const text = answer.body.toString("latin1");
  const [outputTokens] = [...text.matchAll(/"output_tokens":(\d+)/g)].at(-1)?.slice(1) ?? [];
  const stop = /"stop_reason":"(\w+)"/.exec(text)?.[1];
  if (outputTokens === undefined || stop === undefined) return { kind: "failed" };
  const isCutShort = stop === "max_tokens";
  return { kind: "answered", outputTokens: Number(outputTokens), isCutShort };
}

function refusalOf(answer: RawAnswer): Reply {
  const { error } = answer.json() as ErrorEnvelope;
  if (answer.status !== 429) return { kind: "failed" };
  if (error.type === "rate_limit_error") return { kind: "refused", code: "budget_busy" };
  const isExcess = error.message.includes("a smaller request can still fit");
  return { kind: "refused", code: isExcess ? "request_exceeds_budget" : "budget_exhausted" };
}

function modelOf(body: Buffer): string {
  return /"model":"([^"]+)"/.exec(body.toString("latin1", 0, 200))?.[1] ?? "";
}

function gatewayOf(upstreamUrl: string, { members, teams }: WorkloadOptions) {
  const variable = (key: string) => `KEY_${key.toUpperCase()}`;
  const daily = (usd: number | null) => (usd === null ? [] : [{ usd: String(usd), per: "day" }]);
  const config = {
    ...smallConfig(upstreamUrl, { server: { budget_wait_seconds: WAIT_SECONDS } }),
    time_zone: dayZone(),
    owners: [],
    teams: teams.map(({ id, capUsd }) => ({ id, customer: "acme", budgets: daily(capUsd) })),
    virtual_keys: members.map(({ key, team, capUsd }) => ({
      id: key,
      team,
      secret: `env:${variable(key)}`,
      budgets: daily(capUsd),
    })),
  };
  const secrets = members.map(({ key }) => [variable(key), secretOf(key)] as const);
  return { config, env: { UPSTREAM_KEY, ...Object.fromEntries(secrets) } };
}

/** A zone in which no day ends soon. */
function dayZone(): string {
  return (Date.now() / HOUR_MS) % 24 < LATE_HOUR ? "UTC" : "Etc/GMT+12";
}
