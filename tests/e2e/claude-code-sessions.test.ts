/** The real Claude Code in a session that is stopped: one request, the sentence, and no loop by its hooks. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { claudeCodeBinary } from "../harness/claude-code.ts";
import { startGateway, until, type Gateway } from "../harness/gateway.ts";
import { ADA_KEY, SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { toolCalls } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { runClaudeCode, workspace, type ClaudeCodeRun, type Workspace } from "./claude-code-run.ts";

const binary = claudeCodeBinary();
const missing = "the package @anthropic-ai/claude-code-linux-x64 is not installed";
const skip = binary === null && process.env["CI"] !== "true" ? missing : false;
const REASON = "it repeats the same failing test";

describe("Claude Code in a stopped session", { skip }, () => {
  let upstream: Upstream;
  let gateway: Gateway;
  let place: Workspace;
  let session: string;
  let hookLog: string;

  beforeEach(async () => {
    place = await workspace();
    session = randomUUID();
    hookLog = join(place.home, "stops");
    await writeFile(hookLog, "");
    // Lets nothing end, whatever it ends with.
    const hooks = Object.fromEntries(
      ["Stop", "StopFailure"].map((event) => {
        const command = `echo ${event} >> ${hookLog}; echo 'go on' >&2; exit 2`;
        return [event, [{ hooks: [{ type: "command", command }] }]];
      }),
    );
    await mkdir(join(place.home, ".claude"));
    await writeFile(join(place.home, ".claude", "settings.json"), JSON.stringify({ hooks }));
    let calls = 0;
    upstream = await startUpstream(() => {
      const input = { command: `echo ${++calls}`, description: "Echo" };
      return toolCalls([[`toolu_${session}_${calls}`, "Bash", input]]);
    });
    gateway = await startGateway({ config: smallConfig(upstream.url), env: SMALL_ENV });
  });
  afterEach(async () => {
    await gateway.dispose();
    await upstream.stop();
    await place.dispose();
  });

  function run(...args: readonly string[]): Promise<ClaudeCodeRun> {
    assert.ok(binary !== null, missing);
    return runClaudeCode({
      binary,
      baseUrl: `${gateway.url}/anthropic`,
      key: ADA_KEY,
      ...place,
      model: "claude-opus-5-5",
      prompt: "Work through the steps.",
      args,
    });
  }

  async function stop(): Promise<void> {
    const done = await gateway.cli("sessions", "stop", "ada", session, "--reason", REASON);
    assert.equal(done.code, 0, done.output);
  }

  async function refusals(): Promise<(string | null)[]> {
    const rows = await gateway.rows();
    return rows.filter((row) => row.task_type !== "count").map(({ refusal }) => refusal);
  }

  const hookRuns = async () => (await readFile(hookLog, "utf8")).split("\n").slice(0, -1);

  test("makes one request and shows the sentence; no hook keeps it going", async () => {
    await stop();
    const ended = await run("--session-id", session);
    assert.notEqual(ended.code, 0);
    assert.ok(`${ended.stdout}${ended.stderr}`.includes(`was stopped: ${REASON};`), ended.stdout);
    assert.deepEqual(await refusals(), ["session_stopped"]);
    assert.equal(upstream.messages().length, 0);
    // What ends by an error is no stop: the other hook runs once, and keeps nothing going.
    assert.deepEqual(await hookRuns(), ["StopFailure"]);
  });

  test("ends in the middle of a loop, and stays stopped when it is resumed", async () => {
    const running = run("--session-id", session);
    await until("it loops", () => upstream.messages().length >= 3, 60_000);
    await stop();
    const ended = await running;
    assert.notEqual(ended.code, 0);
    assert.ok(`${ended.stdout}${ended.stderr}`.includes(`was stopped: ${REASON};`), ended.stdout);
    const served = upstream.messages().length;
    const [last, ...before] = await refusals();
    assert.deepEqual([last, new Set(before)], ["session_stopped", new Set([null])]);

    const resumed = await run("--resume", session, "--fork-session");
    assert.notEqual(resumed.code, 0);
    assert.ok(`${resumed.stdout}${resumed.stderr}`.includes("was stopped"), resumed.stdout);
    assert.equal(upstream.messages().length, served, "nothing more reached the upstream");
    const sessions = new Set((await gateway.rows()).map((row) => row.session));
    assert.equal(sessions.size, 2, "the client has a new id, the conversation is the same");
  });
});
