/** Teams that want more than a provider's keys have room for, before an upstream that answers when it is told. */
import { startGateway, until, type Gateway } from "../harness/gateway.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { text, type Answer } from "../harness/scripts.ts";
import { startUpstream } from "../harness/upstream.ts";
import { DESK_MODEL, secretOf } from "./desk.ts";

const TEAM_FIELDS: Readonly<Record<string, object>> = {
  noisy: {},
  quiet: {},
  heavy: { weight: 2 },
};
/** Virtual keys, all of which may use all providers. */
const KEYS: Readonly<Record<string, { readonly team: string; readonly fields?: object }>> = {
  noisy: { team: "noisy" },
  quiet: { team: "quiet" },
  heavy: { team: "heavy" },
  nightly: { team: "quiet", fields: { priority: "batch" } },
  leaving: { team: "quiet" },
};

export interface FairnessDesk {
  readonly gateway: Gateway;
  /** Asks a provider with a virtual key. */
  readonly ask: (provider: string, key: string, signal?: AbortSignal) => Promise<RawAnswer>;
  /** The same so often, one after the other in the order of arrival at the gateway. */
  readonly crowd: (provider: string, key: string, count: number) => Promise<Promise<RawAnswer>[]>;
  /** Virtual keys in the order in which their requests reached a provider. */
  readonly order: (provider: string) => readonly string[];
  /** The most requests that a provider had at once. */
  readonly most: (provider: string) => number;
  /** Its answers wait, or do not. */
  readonly hold: (provider: string, holds: boolean) => void;
  /** What a provider answers, by how many requests it has now. */
  readonly answers: Map<string, (inFlight: number) => Answer>;
  readonly waiting: (provider: string) => Promise<number>;
  readonly dispose: () => Promise<void>;
}

interface Seen {
  readonly order: string[];
  now: number;
  most: number;
  held: PromiseWithResolvers<void> | null;
}

/** @param providers Fields of the one key of each. */
export async function startFairnessDesk(
  providers: Readonly<Record<string, object>>,
  fairness: object,
): Promise<FairnessDesk> {
  const answers: FairnessDesk["answers"] = new Map();
  const all = new Map<string, Seen>();
  const seenOf = (provider: string): Seen => {
    const seen = all.get(provider) ?? { order: [], now: 0, most: 0, held: null };
    all.set(provider, seen);
    return seen;
  };
  const upstream = await startUpstream(async ({ headers, json }) => {
    const provider = String(headers["x-api-key"]).slice("upstream:".length);
    const seen = seenOf(provider);
    seen.order.push(String(json().messages[0]?.content));
    seen.most = Math.max(seen.most, ++seen.now);
    const answer = answers.get(provider)?.(seen.now) ?? text("a word");
    if (answer.kind === "message") await seen.held?.promise;
    seen.now--;
    return answer;
  });
  const gateway = await startGateway({
    config: configOf(providers, { fairness, url: upstream.url }),
    env: envOf(providers),
  }).catch(async (error: unknown) => {
    await upstream.stop();
    throw error;
  });
  const metric = (pattern: RegExp) => metricOf(gateway, pattern);
  const ask: FairnessDesk["ask"] = (provider, key, signal) => {
    const headers = { "x-api-key": secretOf(key), "content-type": "application/json" };
    const body = JSON.stringify({
      model: `${provider}-${DESK_MODEL}`,
      max_tokens: 100,
      messages: [{ role: "user", content: key }],
    });
    return send(gateway.url, {
      path: "/v1/messages",
      headers,
      body,
      ...(signal === undefined ? {} : { signal }),
    });
  };
  return {
    gateway,
    answers,
    waiting: (provider) => metric(waitingFor(provider)),
    ask,
    crowd: async (provider, key, count) => {
      const before = await metric(INFLIGHT);
      const asked = Array.from({ length: count }, () => ask(provider, key));
      const arrived = async () => (await metric(INFLIGHT)) >= before + count;
      await until(`${count} of ${key} have arrived`, arrived);
      return asked;
    },
    order: (provider) => seenOf(provider).order,
    most: (provider) => seenOf(provider).most,
    hold: (provider, holds) => {
      const seen = seenOf(provider);
      seen.held?.resolve();
      seen.held = holds ? Promise.withResolvers<void>() : null;
    },
    dispose: async () => {
      for (const seen of all.values()) seen.held?.resolve();
      await gateway.dispose();
      await upstream.stop();
    },
  };
}

function waitingFor(provider: string): RegExp {
  return new RegExp(`^tollgate_queue_waiting\\{provider="${provider}"\\} (\\d+)$`, "m");
}

const INFLIGHT = /^tollgate_inflight_requests (\d+)$/m;

async function metricOf(gateway: Gateway, pattern: RegExp): Promise<number> {
  const headers = { authorization: `Bearer ${gateway.adminToken}` };
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`, { headers })).text();
  return Number(pattern.exec(metrics)?.[1] ?? 0);
}

function configOf(
  providers: Readonly<Record<string, object>>,
  of: { readonly fairness: object; readonly url: string },
): object {
  return {
    fairness: of.fairness,
    providers: Object.entries(providers).map(([id, fields]) => ({
      id,
      kind: "anthropic",
      base_url: of.url,
      models: { [`${id}-*`]: DESK_MODEL },
      keys: [{ id: "main", secret: `env:UPSTREAM_${id.toUpperCase()}`, ...fields }],
    })),
    customers: [{ id: "acme" }],
    teams: Object.entries(TEAM_FIELDS).map(([id, fields]) => ({ id, customer: "acme", ...fields })),
    virtual_keys: Object.entries(KEYS).map(([id, { team, fields }]) => ({
      id,
      team,
      secret: `env:CLIENT_${id.toUpperCase()}`,
      providers: Object.keys(providers).map((provider) => ({
        id: provider,
        models: [`${provider}-*`],
      })),
      ...fields,
    })),
  };
}

function envOf(providers: Readonly<Record<string, object>>): Record<string, string> {
  const env: Record<string, string> = {};
  for (const id of Object.keys(KEYS)) env[`CLIENT_${id.toUpperCase()}`] = secretOf(id);
  for (const id of Object.keys(providers)) env[`UPSTREAM_${id.toUpperCase()}`] = `upstream:${id}`;
  return env;
}
