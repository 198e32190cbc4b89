/** A gateway whose providers' keys have limits, before one upstream that tells those keys apart. */
import { writeFile } from "node:fs/promises";
import { startGateway, until, type Gateway } from "../harness/gateway.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { text, type Answer } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { DESK_MODEL, secretOf } from "./desk.ts";

/** Fields of a provider's key, by its id. */
export type AccountKeys = Readonly<Record<string, object>>;

export interface AccountDeskOptions {
  /** Fields of their keys, by provider and key. A virtual key of the same name uses it, then `beside`. */
  readonly providers: Readonly<Record<string, AccountKeys>>;
  /** Further providers that a provider's virtual key uses after it. */
  readonly beside?: Readonly<Record<string, readonly string[]>>;
  /** Further fields of the file. */
  readonly fields?: object;
  readonly waitSeconds: number;
}

export interface Asking {
  readonly model?: string;
  /** Default: /v1/messages. */
  readonly path?: string;
  readonly signal?: AbortSignal;
}

export interface AccountDesk {
  readonly gateway: Gateway;
  readonly upstream: Upstream;
  /** While it is set, answers wait for it. */
  readonly hold: (until: Promise<unknown> | null) => void;
  /** What a provider answers instead of a word. */
  readonly answers: Map<string, Answer | (() => Answer)>;
  readonly ask: (key: string, what?: Asking) => Promise<RawAnswer>;
  /** How often the upstream was asked with a provider's key. */
  readonly asked: (provider: string, key: string) => number;
  /** Answers that it is producing now for a provider's key, and the most that it ever was. */
  readonly busy: (provider: string, key: string) => { readonly now: number; readonly most: number };
  /** Puts other fields of providers' keys into the file, and waits until they are in force. */
  readonly reload: (providers: AccountDeskOptions["providers"]) => Promise<void>;
  readonly dispose: () => Promise<void>;
}

/** Starts both. */
export async function startAccountDesk(options: AccountDeskOptions): Promise<AccountDesk> {
  const answers: AccountDesk["answers"] = new Map();
  const busy = new Map<string, { now: number; most: number }>();
  let held: Promise<unknown> | null = null;
  const upstream = await startUpstream(async ({ headers }) => {
    const [, provider = "", key = ""] = String(headers["x-api-key"]).split(":");
    const count = busyOf(busy, provider, key);
    count.most = Math.max(count.most, ++count.now);
    await held;
    count.now--;
    const answer = answers.get(provider) ?? text("a word");
    return typeof answer === "function" ? answer() : answer;
  });
  const gateway = await startGateway({
    config: configOf(options, upstream.url),
    env: envOf(options),
  }).catch(async (error: unknown) => {
    await upstream.stop();
    throw error;
  });

  return {
    gateway,
    upstream,
    answers,
    hold: (waitFor) => {
      held = waitFor;
    },
    ask: (key, { model = DESK_MODEL, path = "/v1/messages", signal } = {}) => {
      const headers = { "x-api-key": secretOf(key), "content-type": "application/json" };
      if (path === "/me") return send(gateway.url, { method: "GET", path, headers });
      const messages = [{ role: "user", content: "Hi" }];
      const limit = path === "/v1/messages" ? { max_tokens: 1000 } : {};
      const body = JSON.stringify({ model, ...limit, messages });
      return send(gateway.url, {
        path,
        headers,
        body,
        ...(signal === undefined ? {} : { signal }),
      });
    },
    asked: (provider, key) =>
      upstream
        .messages()
        .filter(({ headers }) => headers["x-api-key"] === credentialOf(provider, key)).length,
    busy: (provider, key) => busyOf(busy, provider, key),
    reload: async (providers) => {
      const seen = gateway.logs().length;
      const config = configOf({ ...options, providers }, upstream.url);
      await writeFile(gateway.configFile, JSON.stringify(config));
      await until("the file is in force", () =>
        gateway.logs().slice(seen).includes("configuration in force"),
      );
    },
    dispose: async () => {
      await gateway.dispose();
      await upstream.stop();
    },
  };
}

function busyOf(
  all: Map<string, { now: number; most: number }>,
  provider: string,
  key: string,
): { now: number; most: number } {
  const id = `${provider}/${key}`;
  const known = all.get(id) ?? { now: 0, most: 0 };
  all.set(id, known);
  return known;
}

function configOf(options: AccountDeskOptions, url: string): object {
  const { providers, beside = {}, fields = {}, waitSeconds } = options;
  return {
    ...fields,
    server: { budget_wait_seconds: waitSeconds },
    providers: Object.entries(providers).map(([id, keys]) => ({
      id,
      kind: "anthropic",
      base_url: url,
      keys: Object.entries(keys).map(([key, more]) => ({
        id: key,
        secret: `env:${variableOf(id, key)}`,
        ...more,
      })),
    })),
    customers: [{ id: "acme", budgets: [{ usd: "1000", per: "total" }] }],
    teams: [{ id: "platform", customer: "acme" }],
    virtual_keys: Object.keys(providers).map((id) => ({
      id,
      team: "platform",
      secret: `env:${variableOf("client", id)}`,
      providers: [id, ...(beside[id] ?? [])].map((provider) => ({ id: provider })),
    })),
  };
}

function envOf({ providers }: AccountDeskOptions): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [id, keys] of Object.entries(providers)) {
    env[variableOf("client", id)] = secretOf(id);
    for (const key of Object.keys(keys)) env[variableOf(id, key)] = credentialOf(id, key);
  }
  return env;
}

function credentialOf(provider: string, key: string): string {
  return `upstream:${provider}:${key}`;
}

function variableOf(owner: string, key: string): string {
  return `${owner}_${key}`.toUpperCase().replaceAll("-", "_");
}
