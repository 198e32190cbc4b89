/** Commands that change many things or charges: `keys import` and `correct`. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createControlServer, type ControlServer } from "../../src/control/server.ts";
import { memoryWorld, requestDetail, type World } from "../control/memory-ports.ts";
import { freshFolder, linesOf, runCli, type Run } from "./run-cli.ts";

const folder = freshFolder();
let world: World;
let server: ControlServer;
const cli = (...args: string[]): Promise<Run> => runCli(folder, args);
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return name;
};

before(async () => {
  const dataDir = join(folder, "data");
  mkdirSync(dataDir, { mode: 0o700 });
  world = memoryWorld(dataDir);
  world.requests.push(requestDetail("req_1"));
  server = createControlServer(world.ports);
  await server.listenSocket(join(dataDir, "control.sock"));
});
after(() => server.close());

test("keys import writes the secrets to a private file, or prints them", async () => {
  const keys = file("keys.csv", "id,team\na,platform\nb,platform\n");
  const { code, out, err } = await cli("keys", "import", keys, "--out", "made.csv");
  assert.equal(code, 0, err);
  assert.equal(out, "");
  assert.match(err, /^2 virtual keys are made/);
  const made = join(folder, "made.csv");
  assert.equal(statSync(made).mode & 0o777, 0o600);
  assert.match(
    readFileSync(made, "utf8"),
    /^id,name,team,owner,secret\r\na,,platform,,vk_made-\d+\r\nb,,platform,,vk_made-\d+\r\n$/,
  );
  const printed = await cli("keys", "import", file("one.csv", "id,team\nc,platform\n"), "--json");
  const [key] = JSON.parse(printed.out) as { id: string; secret: string }[];
  assert.equal(key?.id, "c");
  assert.match(key?.secret ?? "", /^vk_made/);
});

test("keys import makes nothing where it cannot keep the secrets, or a line is wrong", async () => {
  const count = world.changes.length;
  const good = file("good.csv", "id,team\nx,platform\n");
  const there = await cli("keys", "import", good, "--out", file("there.csv", "mine"));
  assert.deepEqual([there.code, linesOf(there.err).length], [1, 1]);
  assert.match(there.err, /there already/);
  assert.equal(readFileSync(join(folder, "there.csv"), "utf8"), "mine");
  const bad = file("bad.csv", "id,team\nx,nope\n");
  const wrong = await cli("keys", "import", bad, "--out", "never.csv");
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /line 2, column team: no such team/);
  assert.ok(!existsSync(join(folder, "never.csv")));
  assert.equal((await cli("keys", "import", "missing.csv")).code, 1);
  assert.equal(world.changes.length, count);
});

test("correct states what a request cost", async () => {
  const words = ["--cost", "0.0123", "--reason", "invoice of November"];
  const { code, out, err } = await cli("correct", "req_1", ...words);
  assert.equal(code, 0, err);
  assert.match(out, /^Request req_1 is corrected: it costs \$/);
  assert.deepEqual(world.corrections, [
    { request: "req_1", attempt: null, cost: 12_300_000n, reason: "invoice of November" },
  ]);
  const json = await cli("correct", "req_1", ...words, "--attempt", "2", "--json");
  assert.equal((JSON.parse(json.out) as { id: string }).id, "req_1");
  const cases = [
    [["correct", "req_1", ...words, "--attempt", "0"], 2, /--attempt 0/],
    [["correct", "req_1", "--cost", "1"], 2, /--reason/],
    [["correct", "req_1", "--cost", "-1", "--reason", "r"], 1, /cost_usd/],
    [["correct", "req_9", ...words], 1, /no such request/],
  ] as const;
  for (const [args, expected, message] of cases) {
    const run = await cli(...args);
    assert.equal(run.code, expected, run.err);
    assert.match(run.err, message);
  }
});
