/** What scopes let requests be, through the whole gateway: each list once, and each level of the chain. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { PrintedWhy } from "../../src/control/why.ts";
import { startGateway, type Gateway } from "../harness/gateway.ts";
import { SMALL_ENV, smallConfig, ADA_KEY } from "../harness/gateway-config.ts";
import { send, type RawRequest } from "../harness/raw-request.ts";
import { text } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { DESK_BODY, DESK_MODEL, startDesk, type Desk } from "./desk.ts";

const WEB_SEARCH = { type: "web_search_20250305", name: "web_search" };
const COMPUTER = { type: "computer_20250124", name: "computer", display_width_px: 1 };
const BASH = { type: "bash_20250124", name: "bash" };

function bodyWith(fields: object): string {
  return JSON.stringify({ ...(JSON.parse(DESK_BODY) as object), ...fields });
}

describe("each list of a key's own", () => {
  let desk: Desk;
  before(async () => {
    const access = {
      model: { models: { deny: ["claude-opus-*"] } },
      provider: { providers: { deny: ["anth*"] } },
      search: { server_tools: { deny: ["web_search"] } },
      hands: { server_tools: { allow: ["bash", "web_*"] } },
      mcp: { server_tools: { deny: ["mcp"] } },
      network: { networks: { allow: ["10.0.0.0/8"] } },
      dialect: { dialects: { deny: ["anthropic"] } },
      task: { task_types: { deny: ["compaction"] } },
      beta: { betas: { deny: ["context-1m-*"] } },
      header: { headers: { allow: ["x-app"] } },
      never: { hours: { allow: [] } },
      always: { hours: { allow: [{ from: "00:00", to: "24:00" }] } },
    };
    const keys = Object.entries(access).map(([id, rules]) => [id, { access: rules }]);
    desk = await startDesk(Object.fromEntries(keys) as Record<string, object>);
  });
  after(() => desk?.dispose());

  async function refused(id: string, code: string, what?: Partial<RawRequest>): Promise<string> {
    const answer = await desk.unheard(() => desk.ask(id, what));
    const message = await desk.assertRefused(answer, {
      status: 402,
      type: "permission_error",
      code,
      headers: { "x-should-retry": undefined },
    });
    assert.match(message, new RegExp(`for key ${id} by key ${id} \\(virtual_keys\\[${id}\\]`));
    return message;
  }
  async function passes(id: string, what?: Partial<RawRequest>): Promise<void> {
    assert.equal((await desk.ask(id, what)).status, 200);
  }

  test("models: by glob, and by names that clouds write", async () => {
    const message = await refused("model", "model_not_allowed");
    assert.equal(
      message,
      `Model ${DESK_MODEL} is not allowed for key model by key model (virtual_keys[model].access.models.deny[0]: ` +
        "claude-opus-*); choose another with /model, or ask your platform team to allow it.",
    );
    const cloud = bodyWith({ model: "us.anthropic.claude-opus-5-5-v1:0" });
    await refused("model", "model_not_allowed", { body: cloud });
    await passes("model", { body: bodyWith({ model: "claude-haiku-5-5" }) });
  });

  test("models that the provider may fall back to", async () => {
    const haiku = { model: "claude-haiku-5-5" };
    const named = { ...haiku, fallbacks: [{ model: DESK_MODEL }] };
    await refused("model", "model_not_allowed", { body: bodyWith(named) });
    const open = { ...haiku, fallbacks: "default" };
    await refused("model", "model_not_allowed", { body: bodyWith(open) });
  });

  test("providers", async () => {
    const message = await refused("provider", "provider_not_allowed");
    assert.match(message, /^Provider anthropic is not allowed/);
  });

  test("server tools: by family, whoever runs them", async () => {
    await refused("search", "tool_not_allowed", { body: bodyWith({ tools: [WEB_SEARCH] }) });
    await passes("search", { body: bodyWith({ tools: [COMPUTER] }) });
    await refused("hands", "tool_not_allowed", { body: bodyWith({ tools: [BASH, COMPUTER] }) });
    await passes("hands", { body: bodyWith({ tools: [BASH, WEB_SEARCH] }) });
    await passes("hands", { body: bodyWith({ tools: [{ name: "own", input_schema: {} }] }) });
    const servers = [{ type: "url", url: "https://mcp.example", name: "m" }];
    await refused("mcp", "tool_not_allowed", { body: bodyWith({ mcp_servers: servers }) });
  });

  test("a tool whose type is hidden counts as any", async () => {
    const hidden = bodyWith({ tools: [WEB_SEARCH] }).replace("web_search_", "\\u0077eb_search_");
    await refused("search", "tool_not_allowed", { body: hidden });
    await refused("hands", "tool_not_allowed", { body: hidden });
  });

  test("networks hold for every call", async () => {
    const message = await refused("network", "request_not_allowed");
    assert.match(message, /^A request from 127\.0\.0\.1 is not allowed/);
    const count = { path: "/v1/messages/count_tokens" };
    assert.equal((await desk.ask("network", count)).status, 402);
    for (const path of ["/v1/models", "/me"]) {
      const answer = await desk.ask("network", { method: "GET", path, body: "" });
      assert.equal(answer.status, 402, path);
    }
  });

  test("dialects, task types, betas, headers", async () => {
    await refused("dialect", "request_not_allowed");
    const compaction = { headers: { "x-claude-code-compaction": "1" } };
    await refused("task", "request_not_allowed", compaction);
    await passes("task");
    const beta = { headers: { "anthropic-beta": "other-1, Context-1M-2025-08-07" } };
    await refused("beta", "request_not_allowed", beta);
    await refused("beta", "request_not_allowed", { body: bodyWith({ anthropic_beta: ["x"] }) });
    await passes("beta", { headers: { "anthropic-beta": "other-1" } });
    await refused("header", "request_not_allowed", { headers: { "x-own": "1" } });
    await passes("header", { headers: { "x-app": "cli", "x-forwarded-for": "1.1.1.1" } });
  });

  test("hours", async () => {
    const message = await refused("never", "request_not_allowed");
    assert.match(message, /^A request at (?:Sun|Mon|Tue|Wed|Thu|Fri|Sat) \d\d:\d\d UTC/);
    await passes("always");
  });

  test("a count asks for model, provider and network alone", async () => {
    const count = { path: "/v1/messages/count_tokens" };
    for (const id of ["dialect", "beta", "never", "header"])
      assert.equal((await desk.ask(id, count)).status, 200, id);
    for (const id of ["model", "provider"])
      assert.equal((await desk.ask(id, count)).status, 402, id);
  });
});

const PLACES = ["access", "customers", "teams", "owners"] as const;

describe("levels", () => {
  let upstream: Upstream;
  before(async () => {
    upstream = await startUpstream(() => text("ok"));
  });
  after(() => upstream?.stop());

  /** Each place with rules of its own, over the one key. */
  function configWith(rules: { readonly [Place in (typeof PLACES)[number]]?: object }): object {
    const { access = {}, ...scopes } = rules;
    const base = smallConfig(upstream.url) as Record<string, { id: string }[]>;
    const lists = Object.entries(scopes).map(([place, rule]) => [
      place,
      [{ ...base[place]?.[0], access: rule }],
    ]);
    return { ...base, access, ...(Object.fromEntries(lists) as object) };
  }
  async function refusalAt(gateway: Gateway, what: Partial<RawRequest> = {}) {
    const headers = { "x-api-key": ADA_KEY, "content-type": "application/json" };
    const request = { path: "/v1/messages", body: DESK_BODY, ...what };
    const answer = await send(gateway.url, {
      ...request,
      headers: { ...headers, ...what.headers },
    });
    const { error } = answer.json() as { error?: { message: string } };
    return { status: answer.status, message: error?.message ?? "" };
  }

  test("each level's rule refuses, and says whose it is", async () => {
    const titles = {
      access: "the gateway (access.models",
      customers: "customer acme (customers[acme].access.models",
      teams: "team platform (teams[platform].access.models",
      owners: "owner ada@acme.example (owners[ada@acme.example].access.models",
    };
    const rules = PLACES.map((place) => [place, { models: { deny: [`claude-${place}`] } }]);
    const config = configWith(Object.fromEntries(rules) as object);
    const gateway = await startGateway({ config, env: SMALL_ENV });
    try {
      for (const place of PLACES) {
        const body = bodyWith({ model: `claude-${place}` });
        const { status, message } = await refusalAt(gateway, { body });
        assert.equal(status, 402);
        assert.ok(message.includes(titles[place]), message);
      }
      assert.equal((await refusalAt(gateway)).status, 200);
    } finally {
      await gateway.dispose();
    }
  });

  test("behind trusted proxies the client's own address counts", async () => {
    const config = {
      ...configWith({
        teams: { networks: { allow: ["203.0.113.0/24"], deny: ["203.0.113.9"] } },
      }),
      server: { trusted_proxies: ["127.0.0.1"] },
    };
    const gateway = await startGateway({ config, env: SMALL_ENV });
    try {
      const from = async (address: string) =>
        (await refusalAt(gateway, { headers: { "x-forwarded-for": address } })).status;
      assert.equal(await from("203.0.113.7"), 200);
      assert.equal(await from("203.0.113.9"), 402);
      assert.equal(await from("203.0.113.7, 198.51.100.1"), 402);
    } finally {
      await gateway.dispose();
    }
  });

  test("observe mode serves, and says what it would have refused and by whom", async () => {
    const config = { ...configWith({ teams: { models: { deny: ["*"] } } }), mode: "observe" };
    const gateway = await startGateway({ config, env: SMALL_ENV });
    try {
      assert.equal((await refusalAt(gateway)).status, 200);
      const rows = await gateway.rows((all) => all.some(({ refusal }) => refusal !== null));
      assert.equal(rows[0]?.refusal, "model_not_allowed");
    } finally {
      await gateway.dispose();
    }
  });

  test("why tells the rule, every level's word, what remains, and the limits", async () => {
    const base = configWith({
      customers: { models: { allow: ["claude-*"] } },
      teams: { models: { deny: ["claude-fable-*"] }, networks: { allow: ["10.0.0.0/8"] } },
    }) as { customers: object[]; providers: object[] };
    const budgets = [{ usd: "50", per: "month" }];
    const second = { ...base.providers[0], id: "second" };
    const config = {
      ...base,
      access: { providers: { deny: ["second"] } },
      customers: [{ ...base.customers[0], budgets }],
      providers: [...base.providers, second],
      virtual_keys: [{ id: "ada", team: "platform", secret: "env:ADA_KEY" }],
    };
    const gateway = await startGateway({ config, env: SMALL_ENV });
    try {
      const why = (query: string) =>
        gateway.api(`/api/v1/why?virtual_key=ada&${query}`) as Promise<PrintedWhy>;
      const served = await why("model=claude-opus-5-5&address=10.1.2.3");
      assert.equal(served.allowed, true);
      assert.deepEqual(served.providers, [
        { id: "anthropic", usable: true, why: null },
        { id: "second", usable: false, why: "access.providers.deny[0]: second" },
      ]);
      assert.deepEqual(
        served.levels.map(({ scope, verdicts }) => [scope, verdicts.map(({ rule }) => rule)]),
        [
          ["gateway", []],
          ["customer/acme", ["customers[acme].access.models.allow[0]: claude-*"]],
          [
            "team/platform",
            [
              "teams[platform].access.models.deny: none of it",
              "teams[platform].access.networks.allow[0]: 10.0.0.0/8",
            ],
          ],
          ["virtual_key/ada", []],
        ],
      );
      const [limit] = served.limits;
      assert.deepEqual(
        { ...limit, resets: null },
        {
          scope: { type: "customer", id: "acme" },
          unit: "usd",
          per: "month",
          limit: "50",
          used: "0",
          resets: null,
        },
      );
      assert.ok(limit?.resets);
      const fable = await why("model=claude-fable-5&address=10.1.2.3");
      assert.equal(fable.refusal?.code, "model_not_allowed");
      assert.equal(fable.refusal?.by, "team/platform");
      const real = await refusalAt(gateway, {
        body: bodyWith({ model: "claude-fable-5" }),
      });
      assert.equal(real.message, fable.refusal?.message);
      const outside = await why("model=claude-opus-5-5&address=192.0.2.1");
      assert.match(outside.refusal?.message ?? "", /^A request from 192\.0\.2\.1 is not allowed/);
      const there = await why("model=claude-opus-5-5&provider=second");
      assert.equal(there.refusal?.code, "provider_not_allowed");
      assert.equal(there.refusal?.by, "gateway");
    } finally {
      await gateway.dispose();
    }
  });

  test("a key that moves to another team has that team's rules, at its next request", async () => {
    const teams = [
      { id: "platform", customer: "acme" },
      { id: "strict", customer: "acme", access: { models: { allow: ["claude-haiku-*"] } } },
    ];
    const config = { ...smallConfig(upstream.url, { key: { owner: undefined } }), teams };
    const { owners: _, ...withoutOwners } = config as Record<string, unknown>;
    const gateway = await startGateway({ config: withoutOwners, env: SMALL_ENV });
    try {
      const api = async (method: string, path: string, body: object, headers = {}) => {
        const answer = await fetch(gateway.adminUrl + path, {
          method,
          headers: {
            authorization: `Bearer ${gateway.adminToken}`,
            "content-type": "application/json",
            ...headers,
          },
          body: JSON.stringify(body),
        });
        assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
        return (await answer.json()) as { secret?: string };
      };
      const { secret = "" } = await api("POST", "/api/v1/virtual-keys", {
        id: "bob",
        team: "platform",
      });
      const headers = { "x-api-key": secret };
      assert.equal((await refusalAt(gateway, { headers })).status, 200);
      await api(
        "PATCH",
        "/api/v1/virtual-keys/bob",
        { team: "strict" },
        { "content-type": "application/merge-patch+json" },
      );
      const moved = await refusalAt(gateway, { headers });
      assert.equal(moved.status, 402);
      assert.match(moved.message, /by team strict/);
    } finally {
      await gateway.dispose();
    }
  });
});
