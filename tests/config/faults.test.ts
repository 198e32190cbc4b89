/** Faults: each kind by its whole line, all of a file at once, and none with a secret in it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { configOf, faultsOf, HIDDEN, load } from "./loading.ts";

interface FaultCase {
  readonly name: string;
  readonly text: string;
  /** The whole lines, without the name of the file. */
  readonly faults: readonly string[];
}

/** Every kind of fault. */
const FAULT_CASES = JSON.parse(
  readFileSync(new URL("fault-cases.json", import.meta.url), "utf8"),
) as FaultCase[];

for (const { name, text, faults } of FAULT_CASES) {
  test(`fault: ${name}`, () => {
    assert.deepEqual(
      faultsOf(text),
      faults.map((line) => `tollgate.yaml:${line}`),
    );
  });
}

test("all faults are told at once, in the order of the file", () => {
  const lines = faultsOf(
    [
      "mode: enforec",
      "customers: [{ id: acme }, { id: acme }]",
      "teams:",
      "  - id: platform",
      "    customer: amce",
      '    budgets: [{ usd: "-5", per: day }, { usd: "1", per: day }]',
      "    colour: blue",
      "admin: { token: env:NOWHERE }",
    ].join("\n"),
  );
  const places = lines.map((line) => line.split(": ")[0]);
  assert.deepEqual(places, [
    "tollgate.yaml:1:7 mode",
    "tollgate.yaml:2:33 customers[1].id",
    "tollgate.yaml:5:15 teams[0].customer",
    "tollgate.yaml:6:22 teams[0].budgets[0].usd",
    "tollgate.yaml:6:40 teams[0].budgets[1]",
    "tollgate.yaml:7:5 teams[0].colour",
    "tollgate.yaml:8:17 admin.token",
  ]);
});

test("a file that cannot be read is a fault with the system's reason", () => {
  assert.deepEqual(faultsOf("", { file: "other.yaml" }), [
    "other.yaml:1:1 (file): the file cannot be read (ENOENT): check its path and permissions",
  ]);
});

test("a faulty setting of the environment is told with its variable", () => {
  const environment = { TOLLGATE_LISTEN: "nonsense", TOLLGATE_ADMIN_TOKEN: "two words" };
  assert.deepEqual(faultsOf("mode: enforec\n", { environment }), [
    'tollgate.yaml:1:7 mode: "enforec" is not known here: did you mean "enforce"?',
    'environment:1:1 TOLLGATE_ADMIN_TOKEN: "env:TOLLGATE_ADMIN_TOKEN" holds spaces, line breaks or characters that no header can carry: set it anew',
    'environment:1:1 TOLLGATE_LISTEN: "nonsense" is not an address: write host:port, such as 127.0.0.1:8080 or "[::1]:8080"',
  ]);
});

test("a secret in the file is told even where the environment beats it", () => {
  const environment = { TOLLGATE_ADMIN_TOKEN: "a-token-of-good-length" };
  assert.equal(faultsOf("admin: { token: literal }\n", { environment }).length, 1);
  assert.deepEqual(faultsOf("admin: { token: env:NOWHERE }\n", { environment }), []);
});

test("a faulty list makes nothing that refers to it a fault", () => {
  const text = "teams: none\nvirtual_keys: [{ id: k, team: platform }]\n";
  assert.equal(faultsOf(text).length, 1);
});

test("aliases that stand for billions of values are refused quickly", () => {
  const levels = Array.from({ length: 9 }, (_, level) =>
    level === 0
      ? "  l0: &l0 [x, x, x, x, x, x, x, x, x, x]"
      : `  l${level}: &l${level} [${Array(10)
          .fill(`*l${level - 1}`)
          .join(", ")}]`,
  );
  const lines = faultsOf(`outbound:\n${levels.join("\n")}\n`);
  assert.ok(lines.some((line) => line.includes("aliases stand for more than 200000 values")));
});

test("an alias repeats its value, and a fault inside points to where it is written", () => {
  const text =
    'customers:\n  - id: a\n    budgets: &b\n      - { usd: "5", per: day }\n  - id: b\n    budgets: *b\n';
  assert.equal(configOf(text).customers[1]?.budgets[0]?.usd, 5_000_000_000n);
  assert.deepEqual(
    faultsOf(text.replace("day", "dya")).map((line) => line.split(": ")[0]),
    [
      "tollgate.yaml:4:26 customers[0].budgets[0].per",
      "tollgate.yaml:4:26 customers[1].budgets[0].per",
    ],
  );
});

test("brackets nested twenty thousand deep are a fault, not a crash", () => {
  assert.ok(faultsOf("[".repeat(20_000)).length > 0);
  assert.ok(faultsOf(`providers: ${"[".repeat(90)}${"]".repeat(90)}`).length > 0);
});

test("no fault of the table, printed or as JSON, repeats a secret", () => {
  for (const { text, name } of FAULT_CASES) {
    const loaded = load(text);
    assert.ok(!loaded.ok, name);
    assert.ok(!JSON.stringify(loaded.faults).includes(HIDDEN), name);
  }
});

const LITERALS = [
  "sk-ant-api03-QWERTYqwerty0123456789",
  "vk_abcdefghijklmnopqrstuvwxyz",
  "AKIAIOSFODNN7EXAMPLE",
  "eyJhbGciOiJIUzI1NiJ9",
  "3f8a9c0d1e2b3f8a9c0d1e2b3f8a9c0d",
  "Ab1Ab1Ab1Ab1Ab1Ab1Ab1Ab1",
];

test("a credential that is pasted into any field is never repeated", () => {
  const template =
    'mode: X\nserver: { listen: X, max_body_mb: X, timeouts: { idle: X } }\ntime_zone: X\nX: X\nproviders: [{ id: X/, kind: X, base_url: "https://X@a", keys: [{ id: "X ", secret: X, weight: X }] }]\n' +
    'customers: [{ id: "X ", name: [X], labels: { "X ,": 1, a: [X] }, budgets: [{ usd: X, per: X, X: 1 }], rate_limits: X }]\n' +
    "teams: [{ id: t, customer: X }, X]\nvirtual_keys: [{ id: X, team: X, secret: X, expires: X, providers: [{ id: X, models: X }] }, { id: X, team: t, owner: X }]\n" +
    "outbound: { proxy: X, ca: env:X }\nadmin: { token: file:X, X: X }\n";
  for (const literal of LITERALS) {
    const text = template.replaceAll("X", literal);
    const loaded = load(text);
    assert.ok(!loaded.ok && loaded.faults.length > 20, literal);
    assert.ok(!JSON.stringify(loaded.faults).includes(literal), literal);
    for (const line of faultsOf(text))
      assert.ok(!line.includes(literal) && !line.includes("\n"), line);
  }
});
