/** A gateway before two scripted upstreams, with a provider of its own for every case that shall fail. */
import assert from "node:assert/strict";
import { nanoOf } from "../harness/bill.ts";
import { startGateway, until, type Gateway, type RequestRow } from "../harness/gateway.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { text, type Answer } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import type { ReceivedRequest } from "../harness/upstream-request.ts";
import { DESK_MODEL, secretOf } from "./desk.ts";

/** What is told of one attempt by `GET /api/v1/requests/{id}`, as far as these tests read it. */
export interface AttemptView {
  readonly attempt: number;
  readonly time: string;
  readonly state: string;
  readonly provider: string;
  readonly provider_key: string;
  readonly model: string;
  readonly held_usd: string;
  readonly cost_usd: string;
  readonly estimated: boolean;
  readonly upstream_status: number | null;
  readonly upstream_request_id: string | null;
  readonly fault: string | null;
  readonly reason: string | null;
}

export interface RequestView {
  readonly outcome: string | null;
  readonly status: number | null;
  readonly refusal: string | null;
  readonly provider: string | null;
  readonly rule: string | null;
  readonly cost_usd: string;
  readonly estimated: boolean;
  readonly attempts: readonly AttemptView[];
}

export interface DeskProvider {
  readonly id: string;
  /** Default: the failing upstream. */
  readonly url?: string;
  /** Default: one, `main`. */
  readonly keys?: readonly string[];
}

export interface DeskOptions {
  /** The provider `spare` of the honest upstream is there besides. */
  readonly providers: readonly DeskProvider[];
  /** Virtual keys with the providers that they use in order, and further fields. */
  readonly keys: Readonly<
    Record<string, { readonly uses: readonly string[]; readonly fields?: object }>
  >;
  readonly rules?: readonly object[];
  readonly timeouts?: object;
}

export interface Asking {
  readonly stream?: boolean;
  readonly signal?: AbortSignal;
  readonly model?: string;
}

export interface FailOverDesk {
  /** Answers by the provider's key that asks: see `answers`. */
  readonly failing: Upstream;
  readonly honest: Upstream;
  readonly gateway: Gateway;
  /** What the failing upstream answers to a provider, or to one of its keys ("id/key"). */
  readonly answers: Map<string, Answer>;
  readonly ask: (key: string, asking?: Asking) => Promise<RawAnswer>;
  /** How often the failing upstream was asked with this key of a provider. */
  readonly asked: (provider: string, key?: string) => number;
  /** The request once it has ended, with its attempts. */
  readonly detailOf: (answer: RawAnswer) => Promise<RequestView>;
  /** The detail of the newest request of a virtual key, once it has ended. */
  readonly newestOf: (key: string) => Promise<RequestView>;
  readonly settledNano: () => Promise<bigint>;
  readonly billedNano: () => bigint;
  readonly dispose: () => Promise<void>;
}

/** Starts both upstreams and the gateway. */
export async function startFailOverDesk(options: DeskOptions): Promise<FailOverDesk> {
  const answers = new Map<string, Answer>();
  const failing = await startUpstream((request) => {
    const [provider = "", key = ""] = askerOf(request);
    return (
      answers.get(`${provider}/${key}`) ?? answers.get(provider) ?? text("from the failing one")
    );
  });
  const honest = await startUpstream(() => text("from the spare"));
  const gateway = await startGateway({
    config: configOf(options, { failing: failing.url, honest: honest.url }),
    env: envOf(options),
  }).catch(async (error: unknown) => {
    await Promise.all([failing.stop(), honest.stop()]);
    throw error;
  });

  async function detail(id: string): Promise<RequestView> {
    return (await gateway.api(`/api/v1/requests/${id}`)) as RequestView;
  }

  return {
    failing,
    honest,
    gateway,
    answers,
    ask: (key, { stream = false, signal, model = DESK_MODEL } = {}) =>
      send(gateway.url, {
        path: "/v1/messages",
        headers: { "x-api-key": secretOf(key), "content-type": "application/json" },
        body: JSON.stringify({
          model,
          max_tokens: 1000,
          messages: [{ role: "user", content: "Hi" }],
          stream,
        }),
        ...(signal === undefined ? {} : { signal }),
      }),
    asked: (provider, key = "main") =>
      failing.messages().filter((request) => askerOf(request).join() === [provider, key].join())
        .length,
    detailOf: async (answer) => {
      const id = String(answer.headers["tollgate-request-id"]);
      await gateway.rows((all) => all.some((row) => row.id === id && row.outcome !== null));
      return detail(id);
    },
    newestOf: async (key) => {
      const newest = (all: readonly RequestRow[]) => all.find((row) => row.virtual_key === key);
      const rows = await gateway.rows((all) => typeof newest(all)?.outcome === "string");
      return detail(newest(rows)?.id ?? "");
    },
    settledNano: async () => {
      await until("nothing is held", async () =>
        (await gateway.budgets()).every((budget) => nanoOf(budget.held_usd) === 0n),
      );
      const [budget] = await gateway.budgets();
      return nanoOf(budget?.settled_usd ?? "");
    },
    billedNano: () => failing.bill.totalNano + honest.bill.totalNano,
    dispose: async () => {
      await gateway.dispose();
      await failing.stop();
      await honest.stop();
    },
  };
}

/** The sum of what the attempts cost is what the request cost; gives it. */
export function assertBooked({ cost_usd: whole, attempts }: RequestView): bigint {
  const sum = attempts.reduce((all, { cost_usd: each }) => all + nanoOf(each), 0n);
  assert.equal(nanoOf(whole), sum);
  return sum;
}

/** Which key of which provider has sent a request: it shows in its credential. */
function askerOf({ headers }: ReceivedRequest): readonly string[] {
  return String(headers["x-api-key"]).split(":").slice(1);
}

function configOf(
  { providers, keys, rules = [], timeouts = {} }: DeskOptions,
  urls: { readonly failing: string; readonly honest: string },
): object {
  const all = [...providers, { id: "spare", url: urls.honest }];
  return {
    server: { budget_wait_seconds: 1, timeouts },
    routing: { rules },
    providers: all.map((provider) => ({
      id: provider.id,
      kind: "anthropic",
      base_url: provider.url ?? urls.failing,
      keys: keysOf(provider).map((key) => ({
        id: key,
        secret: `env:${variableOf(provider.id, key)}`,
      })),
    })),
    customers: [{ id: "acme", budgets: [{ usd: "1000", per: "total" }] }],
    teams: [{ id: "platform", customer: "acme" }],
    virtual_keys: Object.entries(keys).map(([id, { uses, fields }]) => ({
      id,
      team: "platform",
      secret: `env:${variableOf("client", id)}`,
      providers: uses.map((provider) => ({ id: provider })),
      ...fields,
    })),
  };
}

function envOf({ providers, keys }: DeskOptions): Record<string, string> {
  const env: Record<string, string> = { [variableOf("spare", "main")]: "upstream:spare:main" };
  for (const provider of providers)
    for (const key of keysOf(provider))
      env[variableOf(provider.id, key)] = `upstream:${provider.id}:${key}`;
  for (const id of Object.keys(keys)) env[variableOf("client", id)] = secretOf(id);
  return env;
}

function keysOf({ keys = ["main"] }: DeskProvider): readonly string[] {
  return keys;
}

function variableOf(owner: string, key: string): string {
  return `${owner}_${key}`.toUpperCase().replaceAll("-", "_");
}
