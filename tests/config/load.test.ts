/** What a good file becomes: the example of the manual, defaults, amounts, paths and the environment. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import fc from "fast-check";
import type { Config } from "../../src/config/config.ts";
import { configDigest } from "../../src/config/digest.ts";
import { formatFault } from "../../src/config/fault.ts";
import { readAddedPath } from "../../src/config/added.ts";
import { loadConfig } from "../../src/config/load.ts";
import { formatUsd, type NanoUsd, nanoUsd } from "../../src/core/money.ts";
import { configOf, KNOWN_KINDS, load, VIRTUAL_KEY } from "./loading.ts";

const EXAMPLE = readFileSync(fileURLToPath(new URL("example.yaml.txt", import.meta.url)), "utf8");
const EXAMPLE_ENVIRONMENT = {
  ANTHROPIC_API_KEY: "sk-ant-example",
  ADA_KEY: VIRTUAL_KEY,
  HTTPS_PROXY: "http://user:password@proxy:3128",
  TOLLGATE_ADMIN_TOKEN: "a-token-of-good-length",
};
const TIERS = "customers: [{ id: acme }]\nteams: [{ id: t, customer: acme }]\n";

function example(): Config {
  return configOf(EXAMPLE, { environment: EXAMPLE_ENVIRONMENT });
}

/** What a provider's entry says where the file says nothing of it. */
const PLAIN = { settings: {}, door: null, modelMap: [], quirks: [], allowPrivateNetwork: false };
const PLAIN_KEY = { cloud: null, models: null, rateLimits: [] };

test("the example of the manual loads, each section as written", () => {
  const config = example();
  assert.equal(config.outbound.proxyUrl, EXAMPLE_ENVIRONMENT.HTTPS_PROXY);
  assert.equal(config.admin.token, EXAMPLE_ENVIRONMENT.TOLLGATE_ADMIN_TOKEN);
  assert.deepEqual(config.server.tls, {
    certFile: "/etc/tollgate/server.pem",
    keyFile: "/etc/tollgate/server.key",
  });
  assert.equal(config.journal.retainMs, 400 * 86_400_000);
  assert.deepEqual(config.providers[0], {
    id: "anthropic",
    kind: "anthropic",
    baseUrl: "https://api.anthropic.com",
    ...PLAIN,
    keys: [{ id: "main", secret: "sk-ant-example", weight: 1, ...PLAIN_KEY }],
  });
  const { budgets, rateLimits, labels } = config.teams[0] ?? assert.fail();
  assert.deepEqual(labels, { cost_center: "4711" });
  assert.deepEqual(budgets[0]?.span, { kind: "calendar", per: "month", timeZone: "Europe/Berlin" });
  assert.deepEqual(
    rateLimits.map(({ unit, amount, span }) => [unit, amount, span?.kind ?? null]),
    [
      ["requests", 600, "calendar"],
      ["input_tokens", 20_000_000, "calendar"],
      ["concurrent", 200, null],
    ],
  );
  const key = config.virtualKeys[0] ?? assert.fail();
  assert.equal(key.secret, VIRTUAL_KEY);
  assert.equal(key.expiresMs, Date.UTC(2027, 5, 30));
  assert.deepEqual(
    key.budgets.map(({ usd, span }) => [usd, span.kind]),
    [
      [30_000_000_000n, "calendar"],
      [250_000_000_000n, "calendar"],
      [10_000_000_000n, "session"],
    ],
  );
  assert.deepEqual(key.providers?.[0]?.models, ["claude-*"]);
  assert.equal(config.prices[0]?.cache_write_5m, "6.25");
});

test("a provider's key has limits as others have them, in the file's zone", () => {
  const keys = `keys: [{ id: main, secret: env:SECRET, rate_limits: [${[
    "{ requests: 50, per: minute }",
    "{ output_tokens: 9, rolling: 5h }",
    "{ input_tokens: 7, per: hour, burst: 3 }",
    "{ concurrent: 4 }",
  ].join()}] }]`;
  const config = configOf(
    `time_zone: Europe/Berlin\nproviders: [{ id: up, kind: anthropic, ${keys} }]\n`,
  );
  const per = (period: string) => ({ kind: "calendar", per: period, timeZone: "Europe/Berlin" });
  assert.deepEqual(config.providers[0]?.keys[0]?.rateLimits, [
    { unit: "requests", amount: 50, span: per("minute"), burst: null },
    {
      unit: "output_tokens",
      amount: 9,
      span: { kind: "rolling", spanMs: 18_000_000, text: "5h" },
      burst: null,
    },
    { unit: "input_tokens", amount: 7, span: per("hour"), burst: 3 },
    { unit: "concurrent", amount: 4, span: null, burst: null },
  ]);
});

test("an empty file has every default", () => {
  const config = configOf("");
  assert.deepEqual(config.server, {
    listen: { host: "127.0.0.1", port: 8080 },
    adminListen: { host: "127.0.0.1", port: 8081 },
    maxBodyBytes: 64 * 1_048_576,
    drainMs: 600_000,
    budgetWaitMs: 60_000,
    timeouts: {
      headerMs: 30_000,
      bodyIdleMs: 60_000,
      connectMs: 10_000,
      firstByteMs: 600_000,
      idleMs: 600_000,
    },
    tls: null,
    trustedProxies: [],
  });
  assert.deepEqual(config.journal, {
    durability: "os",
    segmentBytes: 64 * 1_048_576,
    retainMs: 400 * 86_400_000,
  });
  assert.deepEqual(config.log, { level: "info", format: "json" });
  assert.deepEqual(
    [config.mode, config.unknownModels, config.timeZone],
    ["enforce", "assume", "UTC"],
  );
  assert.equal(config.dataDir, "/etc/tollgate/data");
  assert.deepEqual(config.admin, { token: null, openMetrics: false });
});

test("without a file there is one of everything, upstream where there is a key for it", () => {
  const upstream = configOf(null, { environment: { ANTHROPIC_API_KEY: "sk-ant-x" } });
  assert.deepEqual(upstream.providers, [
    {
      id: "anthropic",
      kind: "anthropic",
      baseUrl: null,
      ...PLAIN,
      keys: [{ id: "default", secret: "sk-ant-x", weight: 1, ...PLAIN_KEY }],
    },
  ]);
  const rehearsal = configOf(null, { environment: { ANTHROPIC_API_KEY: "" } });
  assert.deepEqual(rehearsal.providers, [
    { id: "rehearsal", kind: "rehearsal", baseUrl: null, ...PLAIN, keys: [] },
  ]);
  for (const config of [upstream, rehearsal]) {
    assert.equal(config.file, null);
    assert.equal(config.customers[0]?.id, "default");
    assert.equal(config.teams[0]?.customer, "default");
    const { id, team, secret, owner, providers } = config.virtualKeys[0] ?? assert.fail();
    assert.deepEqual(
      [id, team, secret, owner, providers],
      ["default", "default", null, null, null],
    );
    assert.equal(config.dataDir, "/etc/tollgate/data");
  }
});

test("the environment beats the file; its paths count from where the process runs", () => {
  const text = "server: { listen: 10.0.0.1:1 }\nadmin: { token: env:SECRET }\ndata_dir: here\n";
  const environment = {
    TOLLGATE_LISTEN: "[::1]:0",
    TOLLGATE_ADMIN_LISTEN: "localhost:0",
    TOLLGATE_ADMIN_TOKEN: "a-token-of-good-length",
    TOLLGATE_DATA_DIR: "elsewhere",
  };
  const files = { file: "conf/tollgate.yaml", readFile: () => text, workingFolder: "/srv" };
  const beaten = configOf(text, { ...files, environment });
  assert.deepEqual(beaten.server.listen, { host: "::1", port: 0 });
  assert.deepEqual(beaten.server.adminListen, { host: "localhost", port: 0 });
  assert.equal(beaten.admin.token, "a-token-of-good-length");
  assert.equal(beaten.dataDir, "/srv/elsewhere");
  const own = configOf(text, {
    ...files,
    environment: { SECRET: "a-token-of-good-length", TOLLGATE_LISTEN: "" },
  });
  assert.equal(own.dataDir, "/srv/conf/here");
  assert.deepEqual(own.server.listen, { host: "10.0.0.1", port: 1 });
});

test("the newline at the end of a secret's file is not part of the secret", () => {
  assert.equal(
    configOf("admin: { token: file:token.txt }\n").admin.token,
    "a-token-of-good-length",
  );
});

test("an amount is exact to the nano-dollar, with quotes and without", () => {
  const amounts = fc.bigInt({ min: 0n, max: 9_000_000_000_000_000_000n });
  fc.assert(
    fc.property(amounts, fc.constantFrom("", '"', "'"), (amount, quote) => {
      const written = `${quote}${formatUsd(nanoUsd(amount))}${quote}`;
      const config = configOf(`customers: [{ id: a, budgets: [{ usd: ${written}, per: day }] }]\n`);
      assert.equal(config.customers[0]?.budgets[0]?.usd, amount);
    }),
    { seed: 7, numRuns: 300 },
  );
});

test("prices keep their digits and lose zeros that say nothing", () => {
  const price = (written: string): string | undefined =>
    configOf(`prices: [{ model: m, from: 2026-01-01, input: ${written}, output: 1 }]\n`).prices[0]
      ?.input;
  assert.equal(price("0.100000"), "0.1");
  assert.equal(price('"5.000000000"'), "5");
  assert.equal(price("0.000001"), "0.000001");
});

test("labels are texts, whatever their names", () => {
  const text = 'customers: [{ id: a, labels: { usd: "1.50", secret: s, 2024: y } }]\n';
  assert.deepEqual(configOf(text).customers[0]?.labels, { 2024: "y", usd: "1.50", secret: "s" });
});

test("what is legal but unwise is a warning with its place", () => {
  const text =
    `${TIERS}admin: { token: env:SECRET }\nvirtual_keys:\n` +
    '  - { id: k, team: t, budgets: [{ usd: "9", per: total, time_zone: UTC }, { usd: "99", per: day }] }\n' +
    "  - { id: l, team: t, providers: [] }\n" +
    "  - { id: m, team: t, rate_limits: [{ input_tokens: 99999, per: day }, { output_tokens: 9000, per: day, burst: 7000 }] }\n";
  const asked: unknown[] = [];
  const smallestCap = (models: readonly string[] | null): NanoUsd => {
    asked.push(models);
    return nanoUsd(21_000_000_000n);
  };
  const loaded = load(text, { environment: { SECRET: "short" }, smallestCap });
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.warnings, [
    "warning: tollgate.yaml:1:1 providers: no provider: every request will be refused",
    "warning: tollgate.yaml:3:17 admin.token: is shorter than 16 characters: use a longer one",
    'warning: tollgate.yaml:5:40 virtual_keys[0].budgets[0].usd: "9" is small for the models that it allows: below 21 a part of it cannot be spent',
    'warning: tollgate.yaml:5:68 virtual_keys[0].budgets[0].time_zone: "UTC" has no effect with per: total: leave it out',
    "warning: tollgate.yaml:6:34 virtual_keys[1].providers: is empty, so the key may use no provider: leave it out for all",
    "warning: tollgate.yaml:7:53 virtual_keys[2].rate_limits[0].input_tokens: 99999 is small: below 100000 an ordinary request does not fit",
    "warning: tollgate.yaml:7:112 virtual_keys[2].rate_limits[1].burst: 7000 is small: below 8000 an ordinary request does not fit",
  ]);
  assert.deepEqual(asked, [null]);
});

test("the caps of a team are held against what all its keys may use", () => {
  const text =
    'customers: [{ id: acme }]\nteams: [{ id: t, customer: acme, budgets: [{ usd: "9", per: day }] }]\nproviders: [{ id: r, kind: rehearsal }]\n' +
    "virtual_keys:\n  - { id: k, team: t, providers: [{ id: r, models: [b] }] }\n  - { id: l, team: t, providers: [{ id: r, models: [a] }] }\n";
  const asked: unknown[] = [];
  const loaded = load(text, {
    smallestCap: (models) => {
      asked.push(models);
      return null;
    },
  });
  assert.ok(loaded.ok && loaded.warnings.length === 0);
  assert.deepEqual(asked, [["a", "b"]]);
});

test("the digest follows what the file says, not its order, its name or its secrets", () => {
  const base = configDigest(example());
  assert.match(base, /^[0-9a-f]{64}$/);
  const environment = {
    ...EXAMPLE_ENVIRONMENT,
    ANTHROPIC_API_KEY: "other",
    ADA_KEY: `${VIRTUAL_KEY}2`,
    HTTPS_PROXY: "http://other:1",
    TOLLGATE_ADMIN_TOKEN: "another-token-of-length",
  };
  assert.equal(configDigest(configOf(EXAMPLE, { environment })), base);
  const labels = (text: string): string =>
    configDigest(configOf(`customers: [{ id: a, labels: ${text} }]\n`));
  assert.equal(labels("{ a: x, b: y }"), labels("{ b: y, a: x }"));
  assert.notEqual(labels("{ secret: x }"), labels("{ secret: y }"));
  const cheaper = EXAMPLE.replace('usd: "30"', 'usd: "30.000000001"');
  assert.notEqual(configDigest(configOf(cheaper, { environment })), base);
});

test("ten thousand keys load; the time is printed", (context) => {
  const keys = Array.from(
    { length: 10_000 },
    (_, index) =>
      `  - { id: key-${index}, team: t, secret: env:K${index}, budgets: [{ usd: "30", per: day }] }\n`,
  );
  const text = `${TIERS}virtual_keys:\n${keys.join("")}`;
  const environment = Object.fromEntries(
    keys.map((_, index) => [`K${index}`, `vk_${String(index).padStart(24, "0")}`]),
  );
  const started = performance.now();
  const loaded = loadConfig({
    file: "tollgate.yaml",
    environment,
    knownKinds: KNOWN_KINDS,
    readFile: () => text,
  });
  context.diagnostic(`${Math.round(performance.now() - started)} ms for ${text.length} characters`);
  assert.ok(loaded.ok);
  assert.equal(loaded.config.virtualKeys.length, 10_000);
});

test("virtual keys made elsewhere are checked with those of the file, and told apart", () => {
  const text = `${TIERS}virtual_keys: [{ id: k, team: t }]\n`;
  const made = { id: "l", team: "t", budgets: [{ usd: "1", per: "day" }] };
  const config = configOf(text, { added: { virtual_keys: [made] } });
  assert.deepEqual(
    config.virtualKeys.map((key) => key.id),
    ["k", "l"],
  );
  const faulty = { id: "k", team: "x", budgets: [{ usd: 1, per: "dya" }] };
  const loaded = load(text, { added: { virtual_keys: [made, faulty] } });
  assert.ok(!loaded.ok);
  assert.deepEqual(loaded.faults.map(formatFault), [
    'api:1:1 added_virtual_keys[1].budgets[0].per: "dya" is not known here: did you mean "day"?',
    "api:1:1 added_virtual_keys[1].budgets[0].usd: 1 is not a text: put it in quotes",
    'api:1:1 added_virtual_keys[1].id: duplicate id "k": give this virtual key another, the first is at line 3',
    'api:1:1 added_virtual_keys[1].team: no team has the id "x": use one of "t"',
  ]);
  assert.deepEqual(readAddedPath(loaded.faults[0]?.path ?? ""), {
    section: "virtual_keys",
    index: 1,
    field: "budgets[0].per",
  });
  assert.deepEqual(faulty.budgets, [{ usd: 1, per: "dya" }]);
});

test("entities of every kind can be made elsewhere; the file itself stands on its own", () => {
  const added = {
    customers: [{ id: "beta" }],
    teams: [{ id: "made", customer: "beta" }],
    owners: [{ id: "bob", team: "made" }],
    providers: [{ id: "second", kind: "rehearsal" }],
    virtual_keys: [{ id: "l", team: "made", owner: "bob", providers: [{ id: "second" }] }],
  };
  const config = configOf(TIERS, { added });
  assert.deepEqual(
    config.teams.map(({ id, customer }) => [id, customer]),
    [
      ["t", "acme"],
      ["made", "beta"],
    ],
  );
  assert.equal(config.virtualKeys[0]?.owner, "bob");
  const leaning = `${TIERS}virtual_keys: [{ id: k, team: made }]\n`;
  const loaded = load(leaning, { added });
  assert.ok(!loaded.ok);
  assert.deepEqual(loaded.faults.map(formatFault), [
    'tollgate.yaml:3:31 virtual_keys[0].team: team "made" was made through the API: the file can refer only to its own',
  ]);
  const secret = [
    { id: "p", kind: "anthropic", keys: [{ id: "k", secret: "sk-ant-written-out" }] },
  ];
  const literal = load(TIERS, { added: { providers: secret } });
  assert.ok(!literal.ok);
  assert.match(literal.faults[0]?.message ?? "", /written out/);
  assert.ok(!JSON.stringify(literal.faults).includes("sk-ant-written-out"));
});
