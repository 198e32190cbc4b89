/** A backup that is made under load and restored answers as the gateway did at that line of the journal. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { freshFolder, runCli } from "../cli/run-cli.ts";
import { startGateway, type Gateway, type RequestRow } from "../harness/gateway.ts";
import { ADA_KEY, SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { text } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { inParallel, sendLoad } from "./load.ts";

const BUDGETS = { team: [{ usd: "1000", per: "month" }], key: [{ usd: "1000", per: "total" }] };
const OTHERS = 0o077;

interface Told {
  readonly seq: number;
  readonly hash: string;
}

interface JournalLine {
  readonly seq: number;
  readonly type: string;
  readonly request?: string;
  readonly end?: object | null;
}

describe("a backup that is made under load", () => {
  const folder = freshFolder();
  const copy = join(folder, "copy");
  const restored = join(folder, "restored");
  let upstream: Upstream;
  let gateway: Gateway;
  let told: Told;

  before(async () => {
    upstream = await startUpstream(() => ({
      ...text("x".repeat(200)),
      delivery: { eventDelayMs: 2 },
    }));
    gateway = await startGateway({
      config: smallConfig(upstream.url, { budgets: BUDGETS }),
      env: SMALL_ENV,
    });
    let sent = 0;
    let isOver = false;
    const load = inParallel(8, () => {
      if (isOver) return null;
      const session = `s${sent++}`;
      return sendLoad(gateway.url, {
        key: ADA_KEY,
        session,
        stream: true,
        maxTokens: 100,
        hangUpMs: null,
      });
    });
    await delay(400);
    const { code, output } = await gateway.cli("backup", copy, "--json");
    await delay(200);
    isOver = true;
    await load;
    assert.equal(code, 0, output);
    told = JSON.parse(output) as Told;
  });
  after(async () => {
    await gateway.dispose();
    await upstream.stop();
  });

  test("ends at the line that it names, is private, and is sound", async () => {
    const lines = journalOf(copy);
    assert.equal(lines.at(-1)?.seq, told.seq);
    assert.ok(journalOf(gateway.dataDir).length > lines.length, "the gateway went on");
    for (const name of ["pepper", "backup.json", "snapshot.json", "node"])
      assert.equal(statSync(join(copy, name)).mode & OTHERS, 0, name);
    const { code, out } = await runCli(folder, ["audit", "verify", copy]);
    assert.equal(code, 0);
    assert.ok(out.includes(told.hash), out);
  });

  test("restored, answers for every line of it as the gateway that was copied", async () => {
    const run = await runCli(folder, ["restore", copy, "--data-dir", restored]);
    assert.equal(run.code, 0, run.err);
    const verified = await runCli(folder, ["audit", "verify", restored]);
    assert.equal(verified.code, 0, verified.err);

    const ended = journalOf(restored)
      .filter(({ end }) => end !== undefined && end !== null)
      .map(({ request }) => request);
    assert.ok(ended.length > 20, `${ended.length} requests ended before the backup`);
    const env = { ...SMALL_ENV, TOLLGATE_DATA_DIR: restored };
    const second = await startGateway({
      config: smallConfig(upstream.url, { budgets: BUDGETS }),
      env,
    });
    try {
      const rows = byId(await second.rows((all) => all.length >= ended.length));
      const originals = byId(await gateway.rows((all) => all.length >= ended.length));
      for (const id of ended) assert.deepEqual(rows.get(id ?? ""), originals.get(id ?? ""));
      // What was in flight at that line is charged by estimate, as after a crash.
      for (const [id, row] of rows)
        if (!ended.includes(id))
          assert.deepEqual([row.outcome, row.estimated], ["interrupted", true]);
      const spent = [...rows.values()].reduce((sum, row) => sum + nano(row.cost_usd), 0n);
      for (const budget of await second.budgets()) assert.equal(nano(budget.settled_usd), spent);
    } finally {
      await second.dispose();
    }
  });

  test("is refused where there is something already, or where a byte of it was changed", async () => {
    const again = await gateway.cli("backup", copy);
    assert.deepEqual([again.code, /is not empty/.test(again.output)], [1, true]);
    const running = await gateway.cli("restore", copy);
    assert.deepEqual([running.code, /is not empty/.test(running.output)], [1, true]);

    const full = join(folder, "full");
    mkdirSync(full);
    writeFileSync(join(full, "note"), "mine");
    const occupied = await runCli(folder, ["restore", copy, "--data-dir", full]);
    assert.equal(occupied.code, 1);
    assert.deepEqual(readdirSync(full), ["note"]);

    const damaged = join(folder, "damaged");
    assert.equal((await gateway.cli("backup", damaged)).code, 0);
    appendFileSync(join(damaged, "pepper"), "0");
    const target = join(folder, "target");
    const run = await runCli(folder, ["restore", damaged, "--data-dir", target]);
    assert.equal(run.code, 1);
    assert.match(run.err, /pepper is not what was backed up/);
    assert.ok(!existsSync(target));
  });

  test("is possible without a gateway, and refused in a directory that is no data directory", async () => {
    await gateway.stop();
    const offline = join(folder, "offline");
    const { code, output } = await gateway.cli("backup", offline);
    assert.equal(code, 0, output);
    assert.deepEqual(journalOf(offline), journalOf(gateway.dataDir));
    const nothing = await runCli(folder, ["backup", join(folder, "nothing")]);
    assert.equal(nothing.code, 1);
    assert.match(nothing.err, /no journal/);
  });
});

describe("a new admin token", () => {
  const config = smallConfig("http://127.0.0.1:9");

  async function statusWith(gateway: Gateway, token: string): Promise<number> {
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`${gateway.adminUrl}/api/v1/status`, { headers })).status;
  }

  test("replaces the old one at once, and at the next start, and is in no log", async () => {
    const env = { ...SMALL_ENV, TOLLGATE_ADMIN_TOKEN: "", TOLLGATE_ADMIN_URL: "" };
    const gateway = await startGateway({ config, env });
    try {
      const first = /Admin token \(shown this once\): (\S+)/.exec(gateway.logs())?.[1] ?? "";
      assert.equal(await statusWith(gateway, first), 200);
      const made = tokenIn(await gateway.cli("admin", "reset-token", "--json"));
      assert.deepEqual(
        [await statusWith(gateway, first), await statusWith(gateway, made)],
        [401, 200],
      );
      assert.ok(!gateway.logs().includes(made));
      await gateway.stop();
      const offline = tokenIn(await gateway.cli("admin", "reset-token", "--json"));
      await gateway.restart();
      assert.deepEqual(
        [await statusWith(gateway, made), await statusWith(gateway, offline)],
        [401, 200],
      );
      assert.ok(!readFileSync(join(gateway.dataDir, "admin-token"), "utf8").includes(offline));
    } finally {
      await gateway.dispose();
    }
  });

  test("is not made where the configuration sets it", async () => {
    const gateway = await startGateway({ config, env: SMALL_ENV });
    try {
      for (const state of ["running", "stopped"]) {
        const { code, output } = await gateway.cli("admin", "reset-token");
        assert.equal(code, 1, state);
        assert.match(output, /configuration sets the admin token/);
        await gateway.stop();
      }
    } finally {
      await gateway.dispose();
    }
  });
});

function tokenIn({
  code,
  output,
}: {
  readonly code: number | null;
  readonly output: string;
}): string {
  assert.equal(code, 0, output);
  const { token } = JSON.parse(output) as { readonly token: string };
  assert.match(token, /^tga_\w{43}$/);
  return token;
}

function journalOf(dataDir: string): JournalLine[] {
  const node = readFileSync(join(dataDir, "node"), "utf8").trim();
  const directory = join(dataDir, "journal", node);
  return readdirSync(directory)
    .filter((name) => name.endsWith(".ndjson"))
    .toSorted()
    .flatMap((name) => readFileSync(join(directory, name), "utf8").trim().split("\n"))
    .map((line) => JSON.parse(line) as JournalLine);
}

function byId(rows: readonly RequestRow[]): Map<string, RequestRow> {
  return new Map(rows.map((row) => [row.id, row]));
}

function nano(usd: string): bigint {
  const [whole = "0", fraction = ""] = usd.split(".");
  return BigInt(whole + fraction.padEnd(9, "0"));
}
