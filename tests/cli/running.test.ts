/** Commands that talk to a running gateway: through its socket, over the network, and when it is not there. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createControlServer, type ControlServer } from "../../src/control/server.ts";
import { NO_USAGE } from "../../src/core/usage.ts";
import { memoryWorld, NEVER_SHOWN, TOKEN, type World } from "../control/memory-ports.ts";
import { freshFolder, linesOf, runCli, tooWide, type Run } from "./run-cli.ts";

describe("with a running gateway", { concurrency: 4 }, () => {
  const folder = freshFolder();
  let world: World;
  let server: ControlServer;
  let url: string;
  const cli = (...args: string[]): Promise<Run> => runCli(folder, args);

  before(async () => {
    const dataDir = join(folder, "data");
    mkdirSync(dataDir, { mode: 0o700 });
    world = memoryWorld(dataDir);
    server = createControlServer(world.ports);
    await server.listenSocket(join(dataDir, "control.sock"));
    const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
    url = `http://127.0.0.1:${port}`;
    const usage = { ...NO_USAGE, input_tokens: 1_234_567, cache_read_input_tokens: 9_000_000 };
    for (const [virtual_key, cost_usd] of [
      ["ada", "1234.000000001"],
      ["a-very-long-name-of-a-key-that-does-not-fit-into-any-table@acme.example", "0.5"],
    ] as const) {
      const start = "2026-11-01T23:00:00.000Z";
      const group = { start, team: "platform", virtual_key, requests: 1200, usage, cost_usd };
      world.usage.push(group);
    }
  });
  after(() => server.close());

  test("keys create prints the secret alone on standard output", async () => {
    const words = ["--team", "platform", "--owner", "ada@acme.example", "--budget", "30/day"];
    const { code, out, err } = await cli("keys", "create", "k1", ...words);
    assert.equal(code, 0, err);
    assert.match(out, /^vk_made-\d+\n$/);
    assert.match(err, /Virtual key k1 is made/);
    assert.ok(!err.includes("vk_"));
    assert.ok(world.changes.includes("create k1 by local"));
  });

  test("why tells the rule, the levels, the providers and the limits", async () => {
    const { code, out } = await cli("why", "ada", "claude-opus-5-5", "--tool", "web_search");
    assert.equal(code, 0);
    const lines = linesOf(out);
    assert.equal(lines[0], "Not allowed (model_not_allowed): No.");
    assert.match(
      out,
      /no \(observes\) +claude-opus-5-5 +teams\[platform\]\.access\.models\.deny\[0\]: claude-\*/,
    );
    assert.match(out, /No rule about it: gateway\./);
    assert.match(out, /anthropic +no +teams\[platform\]/);
    assert.match(out, /team\/platform +usd +month +4000 +1\.5/);
    assert.equal((await cli("why", "nobody", "claude-opus-5-5")).code, 1);
  });

  test("keys create --json prints the key with its secret; an id is made where none is given", async () => {
    const { out } = await cli("keys", "create", "--team", "platform", "--json");
    const made = JSON.parse(out) as { id: string; secret: string };
    assert.match(made.id, /^key-\w{10}$/);
    assert.match(made.secret, /^vk_made-/);
  });

  test("keys rotate and revoke act at once", async () => {
    const rotated = await cli("keys", "rotate", "ada", "--overlap", "2h");
    assert.match(rotated.out, /^vk_made-\d+\n$/);
    const revoked = await cli("keys", "revoke", "ada");
    assert.equal(revoked.code, 0);
    assert.match(revoked.out, /revoked/);
    const mine = world.changes.filter((change) => / ada /.test(change));
    assert.deepEqual(mine, ["rotate ada by local overlap 7200", "revoke ada by local"]);
  });

  test("keys list is a table without secrets, or JSON", async () => {
    const { out } = await cli("keys", "list");
    assert.match(out, /^ID +TEAM +OWNER +STATE +BUDGETS, USD +EXPIRES +FROM\n/);
    assert.match(out, /^ada .*30\/day 5\/5h/m);
    const json = JSON.parse((await cli("keys", "list", "--json")).out) as { id: string }[];
    assert.ok(json.some(({ id }) => id === "ada"));
    for (const secret of [...NEVER_SHOWN, "vk_made"]) assert.ok(!out.includes(secret));
  });

  test("what the gateway refuses is one line and exit code 1", async () => {
    for (const [args, message] of [
      [["keys", "rotate", "nobody"], /no virtual key has the id nobody/i],
      [["keys", "create", "x", "--team", "nope"], /^tollgate: no such team$/m],
      [["usage", "--by", "planet"], /group_by names "planet"/],
    ] as const) {
      const { code, out, err } = await cli(...args);
      assert.equal(code, 1);
      assert.equal(out, "");
      assert.equal(linesOf(err).length, 1, err);
      assert.match(err, message);
    }
  });

  test("usage fits 80 columns, adds up exactly, and passes its options on", async () => {
    const words = ["--from", "2026-11-01", "--interval", "day", "--time-zone", "Europe/Berlin"];
    const { out, err } = await cli("usage", "--by", "team,virtual_key", ...words);
    assert.deepEqual(tooWide(out), [], out);
    assert.match(out, /ada .* 1,200 +1\.23M +9M +0 +\$1,234\.0000/);
    assert.match(out, /…/);
    assert.match(err, / 2,400 requests, \$1,234\.500000001 in all\.\n$/);
    const { groupBy, interval, timeZone } = world.asked.usage.at(-1) ?? {};
    assert.deepEqual(
      [groupBy, interval, timeZone],
      [["team", "virtual_key"], "day", "Europe/Berlin"],
    );
  });

  test("providers shows the kinds, those configured, and their troubles", async () => {
    const { out, err } = await cli("providers");
    assert.match(out, /^KIND +PROVIDER +DOORS +TOOLS .*\nanthropic +Anthropic +messages +yes /);
    assert.match(out, /\nanthropic +anthropic +1 /);
    assert.match(err, /refused key main with 401/);
  });

  test("route explain tells the rule, its targets and what became of every rule", async () => {
    const asked = ["route", "explain", "--key", "ada", "--model", "claude-opus-5-5"];
    const { code, out, err } = await cli(...asked, "--task", "title", "--label", "a=b=c");
    assert.equal(code, 0, err);
    assert.match(out, /^Rule small takes it: it holds\.\n/);
    assert.match(out, /\n +1 +anthropic +claude-haiku-5-5 +1\n/);
    assert.match(out, /\nsmall +taken +it holds\n/);
    const json = JSON.parse((await cli(...asked, "--task", "title", "--json")).out) as {
      readonly facts: Readonly<Record<string, unknown>>;
    };
    assert.equal(json.facts["task.type"], "title");
  });

  test("route explain says what is wrong with a question", async () => {
    const model = ["--model", "claude-opus-5-5"];
    const unknown = await cli("route", "explain", "--key", "nobody", ...model);
    assert.deepEqual([unknown.code, linesOf(unknown.err).length], [1, 1]);
    assert.match(unknown.err, /nobody/);
    for (const wrong of [["--label", "stage"], ["--input-bytes", "many"], ["--task"], []]) {
      const { code } = await cli(
        "route",
        "explain",
        "--key",
        "ada",
        ...wrong,
        ...model.slice(wrong.length === 0 ? 2 : 0),
      );
      assert.equal(code, 2, wrong.join(" "));
    }
  });

  test("over the network it needs the token, and tells which variable is wrong", async () => {
    const env = { TOLLGATE_DATA_DIR: join(folder, "elsewhere"), TOLLGATE_ADMIN_URL: url };
    const list = ["keys", "list"];
    const good = await runCli(folder, list, { ...env, TOLLGATE_ADMIN_TOKEN: TOKEN });
    assert.equal(good.code, 0, good.err);
    const wrong = await runCli(folder, list, { ...env, TOLLGATE_ADMIN_TOKEN: "wrong" });
    assert.deepEqual([wrong.code, linesOf(wrong.err).length], [1, 1]);
    assert.match(wrong.err, /TOLLGATE_ADMIN_TOKEN/);
    const missing = await runCli(folder, list, env);
    assert.equal(missing.code, 78);
  });

  test("the configuration file leads to the data directory, without its secrets being set", async () => {
    const other = freshFolder();
    const file = join(other, "gate.yaml");
    writeFileSync(file, `data_dir: ${join(folder, "data")}\nadmin: { token: env:NOT_SET }\n`);
    assert.equal((await runCli(other, ["keys", "list", "--config", file])).code, 0);
    assert.equal((await runCli(other, ["keys", "list"], { TOLLGATE_CONFIG: file })).code, 0);
    writeFileSync(join(other, "tollgate.yaml"), `data_dir: ${join(folder, "data")}\n`);
    assert.equal((await runCli(other, ["keys", "list"])).code, 0);
    assert.equal((await runCli(other, ["keys", "list", "--config", "no.yaml"])).code, 78);
  });

  test("doctor finds the provider's trouble and the data plane that does not answer", async () => {
    const { code, out } = await cli("doctor", "--json");
    assert.equal(code, 1);
    const findings = JSON.parse(out) as { name: string; state: string; remedy: string | null }[];
    const state = Object.fromEntries(findings.map((each) => [each.name, each.state]));
    assert.equal(state["gateway"], "ok");
    assert.equal(state["readiness"], "ok");
    assert.equal(state["data plane"], "fail");
    assert.equal(state["providers"], "fail");
    assert.equal(state["data directory"], "ok");
    assert.equal(state["Claude Code"], "warn");
    for (const finding of findings) assert.equal(finding.remedy === null, finding.state === "ok");
  });

  test("claude runs the program with the environment set, and passes on all else", async () => {
    const binary = join(folder, "claude");
    const shown =
      'echo "$ANTHROPIC_BASE_URL $ANTHROPIC_API_KEY [$ANTHROPIC_AUTH_TOKEN] $*"; exit 7';
    writeFileSync(binary, `#!/bin/sh\n${shown}\n`);
    chmodSync(binary, 0o755);
    writeFileSync(join(folder, "data", "default-key"), "vk_default\n", { mode: 0o600 });
    const env = { TOLLGATE_CLAUDE_BINARY: binary, ANTHROPIC_AUTH_TOKEN: "other account" };
    const run = (args: readonly string[], more = {}) =>
      runCli(folder, ["claude", ...args], { ...env, ...more });
    const base = "http://127.0.0.1:8080/anthropic";
    const [standard, named, fromEnvironment] = await Promise.all([
      run(["-p", "hello there", "--json", "--help"]),
      run(["--key", "vk_named", "--", "--key", "theirs"]),
      run([], { TOLLGATE_KEY: "vk_variable" }),
    ]);
    assert.deepEqual(standard, {
      code: 7,
      out: `${base} vk_default [] -p hello there --json --help\n`,
      err: "",
    });
    assert.equal(named.out, `${base} vk_named [] --key theirs\n`);
    assert.equal(fromEnvironment.out, `${base} vk_variable [] \n`);
  });

  test("claude says that Claude Code is missing", async () => {
    const env = { TOLLGATE_CLAUDE_BINARY: join(folder, "none"), TOLLGATE_KEY: "vk_x" };
    const { code, err } = await runCli(folder, ["claude"], env);
    assert.equal(code, 1);
    assert.match(err, /Claude Code is not installed.*npm install/);
  });
});

describe("without a gateway", { concurrency: 4 }, () => {
  for (const args of [["keys", "list"], ["usage"], ["claude", "--key", "vk_x"]]) {
    test(`${args[0]} says so and exits with 69`, async () => {
      const { code, out, err } = await runCli(freshFolder(), args);
      assert.deepEqual([code, out], [69, ""]);
      assert.match(err, /no gateway runs on .*tollgate serve/);
    });
  }

  test("a socket that a killed gateway left behind is told from a running one", async () => {
    const folder = freshFolder();
    mkdirSync(join(folder, "data"));
    const server = createServer();
    await new Promise<void>((resolve) =>
      server.listen(join(folder, "data", "control.sock"), resolve),
    );
    const gone = join(folder, "data", "control.sock");
    // Closing would take the file away, as no killed process does.
    const { linkSync, renameSync } = await import("node:fs");
    linkSync(gone, `${gone}.kept`);
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    renameSync(`${gone}.kept`, gone);
    const { code, err } = await runCli(folder, ["keys", "list"]);
    assert.equal(code, 69);
    assert.match(err, /ECONNREFUSED/);
  });

  test("what is no Tollgate is told", async () => {
    const server = createServer((_request, response) => response.end("<html>"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const env = { TOLLGATE_ADMIN_URL: `http://127.0.0.1:${port}`, TOLLGATE_ADMIN_TOKEN: "x" };
    const { code, err } = await runCli(freshFolder(), ["usage"], env);
    server.close();
    assert.equal(code, 1);
    assert.match(err, /is no Tollgate/);
  });
});
