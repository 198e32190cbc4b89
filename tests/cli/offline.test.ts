/** Commands that need no gateway: check, audit verify, rebuild, prices, doctor, help and wrong usage. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, test } from "node:test";
import { journalDirectory, listNodes, segmentPath } from "../../src/journal/layout.ts";
import { acquireLock } from "../../src/journal/lock.ts";
import { runCommandLine } from "../../src/cli/program.ts";
import { cancel, nextTurn, openTest } from "../journal/records.ts";
import { freshFolder, linesOf, runCli, tooWide } from "./run-cli.ts";

const FILE = `
customers: [{ id: acme }]
teams: [{ id: platform, customer: acme }]
virtual_keys: [{ id: ada, team: platform }]
providers:
  - { id: anthropic, kind: anthropic, base_url: "BASE", keys: [{ id: main, secret: env:KEY }] }
prices: [{ model: claude-custom-1, from: 2026-01-01, input: "5", output: "25" }]
`;

/** A folder whose `data` has a journal of some lines. */
async function withJournal(): Promise<{ folder: string; dataDir: string; segment: string }> {
  const folder = freshFolder();
  const dataDir = join(folder, "data");
  const { journal } = await openTest(dataDir, {});
  for (let index = 0; index < 5; index++) await journal.intent(cancel(`r${index}`));
  await nextTurn();
  await journal.close();
  const [node = ""] = listNodes(dataDir);
  writeFileSync(join(dataDir, "node"), `${node}\n`);
  return { folder, dataDir, segment: segmentPath(journalDirectory(dataDir, node), 1) };
}

describe("audit verify", { concurrency: 4 }, () => {
  test("exits 0 on a sound journal, of the default directory or a named one", async () => {
    const { folder, dataDir } = await withJournal();
    const own = await runCli(folder, ["audit", "verify"]);
    assert.equal(own.code, 0, own.err);
    assert.match(
      own.out,
      /lines in 1 segment, seq 1 to \d+, all sound\nlast line: [0-9a-f]{64}\n$/,
    );
    const named = await runCli(freshFolder(), ["audit", "verify", dataDir, "--json"]);
    assert.equal(named.code, 0);
    assert.equal((JSON.parse(named.out) as { ok: boolean }).ok, true);
  });

  test("exits 1 and names the changed line", async () => {
    const { folder, segment } = await withJournal();
    writeFileSync(segment, readFileSync(segment, "utf8").replace('"r2"', '"rX"'));
    const { code, out, err } = await runCli(folder, ["audit", "verify"]);
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /00000001\.ndjson, line \d+, byte \d+: .*prev.*expected/);
    const json = await runCli(folder, ["audit", "verify", "--json"]);
    assert.equal(json.code, 1);
    assert.equal((JSON.parse(json.out) as { ok: boolean }).ok, false);
  });

  test("exits 1 where there is no journal", async () => {
    const { code, err } = await runCli(freshFolder(), ["audit", "verify"]);
    assert.equal(code, 1);
    assert.match(err, /holds no journal/);
  });
});

describe("rebuild", () => {
  test("folds the journal again, but not beside a running gateway", async () => {
    const { folder, dataDir } = await withJournal();
    const done = await runCli(folder, ["rebuild", "--json"]);
    assert.equal(done.code, 0, done.err);
    assert.ok((JSON.parse(done.out) as { applied_seq: number }).applied_seq >= 5);
    const lock = acquireLock(dataDir);
    assert.ok("release" in lock);
    const refused = await runCli(folder, ["rebuild"]);
    lock.release();
    assert.equal(refused.code, 1);
    assert.match(refused.err, new RegExp(`process ${process.pid} uses .*stop the gateway`));
  });
});

describe("check", { concurrency: 4 }, () => {
  test("tells a valid file from one with faults, all at once", async () => {
    const folder = freshFolder();
    writeFileSync(join(folder, "tollgate.yaml"), FILE.replace("BASE", "https://a.example"));
    const good = await runCli(folder, ["check"], { KEY: "sk-x" });
    assert.deepEqual([good.code, linesOf(good.out).length], [0, 1], good.err);
    assert.match(
      good.out,
      /tollgate\.yaml is valid: 1 provider, 1 customer, 1 team, 1 virtual key/,
    );
    const unset = await runCli(folder, ["check", "--json"]);
    assert.equal(unset.code, 78);
    assert.match(unset.out, /the variable KEY is not set/);
    writeFileSync(join(folder, "bad.yaml"), "mode: enforced\nteams: [{ id: a, customer: b }]\n");
    const bad = await runCli(folder, ["check", "--config", "bad.yaml"]);
    assert.deepEqual([bad.code, bad.out, linesOf(bad.err).length], [78, "", 2]);
    assert.match(bad.err, /^bad\.yaml:1:7 mode: /);
  });

  test("--online tries each key, and never shows one", async () => {
    const seen: (string | undefined)[] = [];
    const upstream = createServer((request, response) => {
      const key = String(request.headers["x-api-key"]);
      seen.push(`${request.method} ${request.url} ${key}`);
      response.writeHead(key === "sk-good" ? 200 : 401).end("{}");
    });
    await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
    const address = upstream.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const folder = freshFolder();
    const base = `http://127.0.0.1:${port}/prefix`;
    writeFileSync(join(folder, "tollgate.yaml"), FILE.replace("BASE", base));
    const good = await runCli(folder, ["check", "--online"], { KEY: "sk-good" });
    const bad = await runCli(folder, ["check", "--online"], { KEY: "sk-bad-one" });
    upstream.close();
    const nobody = await runCli(folder, ["check", "--online"], { KEY: "sk-good" });
    assert.equal(good.code, 0, good.err);
    assert.match(good.out, /provider anthropic, key main: accepted \(\d+ ms\)/);
    assert.equal(bad.code, 78);
    assert.match(bad.err, /provider anthropic, key main: is refused with 401/);
    assert.ok(!`${bad.err}${bad.out}`.includes("sk-bad-one"));
    assert.match(nobody.err, /cannot be reached \(refused/);
    assert.deepEqual(seen, [
      "GET /prefix/v1/models?limit=1 sk-good",
      "GET /prefix/v1/models?limit=1 sk-bad-one",
    ]);
  });
});

describe("prices", { concurrency: 4 }, () => {
  const folder = freshFolder();
  writeFileSync(join(folder, "tollgate.yaml"), FILE.replace("BASE", "https://a.example"));
  const env = { KEY: "sk-x" };

  test("lists all models within 80 columns", async () => {
    const { code, out } = await runCli(folder, ["prices"], env);
    assert.equal(code, 0);
    assert.deepEqual(tooWide(out), []);
    assert.match(out, /^claude-custom-1 +override +2026-01-01 +5 +25 /m);
  });

  test("says of one model what applies, and why", async () => {
    const custom = await runCli(folder, ["prices", "claude-custom-1"], env);
    assert.match(custom.out, /The configuration states it from 2026-01-01 on/);
    assert.match(custom.out, /^→ +2026-01-01 +file/m);
    const unknown = await runCli(folder, ["prices", "gpt-x", "--json"], env);
    assert.equal((JSON.parse(unknown.out) as { price: string }).price, "assumed");
  });

  test("needs a valid configuration and moment", async () => {
    assert.equal((await runCli(folder, ["prices"])).code, 78);
    assert.equal((await runCli(folder, ["prices", "x", "--at", "soon"], env)).code, 2);
  });
});

describe("doctor without a gateway", { concurrency: 4 }, () => {
  test("finds open secrets, a taken port, a damaged journal and a clock that went back", async () => {
    const { folder, dataDir, segment } = await withJournal();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    writeFileSync(join(dataDir, "default-key"), "vk_x\n");
    chmodSync(join(dataDir, "default-key"), 0o644);
    chmodSync(dataDir, 0o755);
    const env = { TOLLGATE_LISTEN: `127.0.0.1:${port}` };
    const states = async (): Promise<Record<string, string>> => {
      const { out } = await runCli(folder, ["doctor", "--json"], env);
      const findings = JSON.parse(out) as { name: string; state: string }[];
      const stateOf = findings.map(
        ({ name, state }) => [name.split(" ", 1).join(""), state] as const,
      );
      return Object.fromEntries(stateOf);
    };
    const first = await states();
    assert.deepEqual(
      { ...first, disk: "", runtime: "" },
      {
        runtime: "",
        configuration: "ok",
        data: "warn",
        secrets: "fail",
        disk: "",
        journal: "ok",
        clock: "ok",
        gateway: "warn",
        port: "fail",
        admin: "ok",
        Claude: "warn",
      },
    );
    taken.close();
    writeFileSync(segment, readFileSync(segment, "utf8").replace('"r2"', '"rX"'));
    assert.equal((await states())["journal"], "fail");
  });

  test("is content before the first start", async () => {
    const { code, out } = await runCli(freshFolder(), ["doctor"]);
    assert.equal(code, 0, out);
    assert.match(out, /warn data directory: .* does not exist yet\n {5}the first start makes it/);
    assert.match(out, /warn gateway: none runs/);
  });
});

describe("the command line itself", () => {
  const folder = freshFolder();
  mkdirSync(join(folder, "data"));

  test("knows its version and explains itself", async () => {
    const version = await runCli(folder, ["--version"]);
    assert.match(version.out, /^\d+\.\d+\.\d+\n$/);
    const help = await runCli(folder, ["--help"]);
    assert.equal(help.code, 0);
    for (const word of ["serve", "claude", "keys", "doctor", "Examples:", "TOLLGATE_DATA_DIR"]) {
      assert.ok(help.out.includes(word), word);
    }
    const keys = await runCli(folder, ["keys", "create", "--help"]);
    assert.match(keys.out, /--budget .*30\/day/);
    assert.match((await runCli(folder, ["help", "claude"])).out, /--key <key>/);
  });

  for (const args of [
    ["bogus"],
    ["keys"],
    ["keys", "list", "--bogus"],
    ["keys", "create", "x"],
    ["keys", "rotate"],
    ["keys", "rotate", "x", "--overlap", "soon"],
    ["keys", "create", "x", "--team", "t", "--budget", "30"],
    ["keys", "create", "x", "--team", "t", "--label", "a"],
    ["keys", "create", "x", "--team", "t", "--limit", "many"],
    [],
  ]) {
    test(`"tollgate ${args.join(" ")}" is wrong usage: exit 2, told on standard error`, async (t) => {
      const told: string[] = [];
      t.mock.method(process.stderr, "write", (text: string) => told.push(text) > 0);
      // A gateway that is not there must not hide what is wrong with the words.
      const env = { TOLLGATE_ADMIN_URL: "http://127.0.0.1:1", TOLLGATE_ADMIN_TOKEN: "x" };
      const code = await runCommandLine(args, { ...env, TOLLGATE_DATA_DIR: folder });
      assert.equal(code, 2);
      assert.ok(told.join("").length > 0);
    });
  }
});
