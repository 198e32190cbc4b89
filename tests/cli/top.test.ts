/** `tollgate top` against a control API of known numbers, and `tollgate demo` from start to end. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createControlServer } from "../../src/control/server.ts";
import { NO_USAGE } from "../../src/core/usage.ts";
import { budgetView } from "../control/memory-budgets.ts";
import { memoryWorld, requestDetail } from "../control/memory-ports.ts";
import { until } from "../harness/gateway.ts";
import { freshFolder, linesOf, runCli, tooWide } from "./run-cli.ts";

const CLI = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");

describe("tollgate top", () => {
  test("is one look without a terminal: 80 columns, or JSON", async () => {
    const folder = freshFolder();
    const dataDir = join(folder, "data");
    mkdirSync(dataDir, { mode: 0o700 });
    const world = memoryWorld(dataDir);
    const group = { virtual_key: "ada", model: "claude-opus-5-5", usage: NO_USAGE };
    const session = "0123456789abcdef";
    world.usage.push(
      { ...group, session, requests: 4, cost_usd: "3" },
      { ...group, session, model: "claude-haiku-4-5", requests: 2, cost_usd: "1" },
      { ...group, session: null, requests: 1, cost_usd: "0" },
    );
    world.budgets.push(budgetView(), budgetView({ id: "x", settled: 3_990_000_000_000n }));
    world.requests.push(requestDetail("r", { outcome: "refused", refusal: "budget_busy" }));
    world.breaches.push("held_is_sum of a window: it is wrong");
    const server = createControlServer(world.ports);
    await server.listenSocket(join(dataDir, "control.sock"));
    try {
      const { code, out, err } = await runCli(folder, ["top"]);
      assert.equal(code, 0, err);
      assert.deepEqual(tooWide(out), []);
      assert.match(out, /^\$48\.00\/h over 5 min · 7 requests · 2 in flight hold \$1\.50/m);
      assert.match(out, /^ada +01234567 +claude-opus-5-5 +\$48\.00 +\$4\.00$/m);
      assert.match(out, /held_is_sum of a window/);
      assert.match(out, /budget_busy/);
      assert.equal(
        linesOf((await runCli(folder, ["top", "--once"])).out).length,
        linesOf(out).length,
      );

      const reading = JSON.parse((await runCli(folder, ["top", "--json"])).out) as {
        readonly sessions: readonly object[];
        readonly budgets: readonly { readonly settled_usd: string }[];
      };
      assert.deepEqual(reading.sessions, [
        {
          virtual_key: "ada",
          session,
          model: "claude-opus-5-5",
          usd_per_hour: 48,
          usd_day: 4,
        },
      ]);
      assert.equal(reading.budgets[0]?.settled_usd, "3990");
    } finally {
      await server.close();
    }
  });

  test("says where no gateway answers", async () => {
    const { code, err } = await runCli(freshFolder(), ["top"]);
    assert.equal(code, 69);
    assert.match(err, /no gateway runs/);
  });
});

describe("tollgate demo", () => {
  test("serves made-up traffic until Ctrl-C, and leaves nothing behind", async () => {
    const folder = freshFolder();
    const child = spawn(process.execPath, [CLI, "demo", "--speed", "50"], {
      cwd: folder,
      env: { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const closed = once(child, "close");
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    try {
      await until("the demo says where it is", () => output.includes("Ctrl-C stops it."));
      const url = /Status page: +(\S+)\//.exec(output)?.[1] ?? "";
      const token = /Admin token: +(\S+)/.exec(output)?.[1] ?? "";
      const ask = async (path: string) => {
        const headers = { authorization: `Bearer ${token}` };
        return (await (await fetch(`${url}${path}`, { headers })).json()) as { data: object[] };
      };
      const isServed = async () => (await ask("/api/v1/requests?outcome=ok")).data.length >= 10;
      await until("requests are served", isServed);
      const keys = (await ask("/api/v1/usage?group_by=virtual_key")).data;
      assert.equal(keys.length, 5);
    } finally {
      child.kill("SIGINT");
      await closed;
    }
    assert.equal(child.exitCode, 0, output);
    assert.deepEqual(readdirSync(folder), []);
  });

  test("keeps nothing in a directory that holds something already", async () => {
    const folder = freshFolder();
    const kept = join(folder, "kept");
    mkdirSync(kept);
    writeFileSync(join(kept, "note"), "mine");
    const { code, err } = await runCli(folder, ["demo", "--keep", kept]);
    assert.equal(code, 1);
    assert.match(err, /is not empty/);
    assert.ok(existsSync(join(kept, "note")));
  });
});
