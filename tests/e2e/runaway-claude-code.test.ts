/** The real Claude Code, driven into a loop by its model, is stopped, stays stopped, and says why. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { claudeCodeBinary } from "../harness/claude-code.ts";
import { startGateway, type Gateway } from "../harness/gateway.ts";
import { ADA_KEY, SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { text, toolCalls, type Script } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { runClaudeCode, workspace, type ClaudeCodeRun, type Workspace } from "./claude-code-run.ts";

const REPEATS = 5;
const TURNS = 4;
const READ_LOOP = /was stopped: The same Read call failed 5 times in \d+ s; start a new session/;
const HOOK_LOOP = /was stopped: 4 answers in a row that had ended their turn/;
/** What may be under way while the stop is written. */
const UNDER_WAY = 1;

const binary = claudeCodeBinary();
const missing = "the package @anthropic-ai/claude-code-linux-x64 is not installed";
// In CI a missing binary fails the tests by its name instead of passing over them.
const skip = binary === null && process.env["CI"] !== "true" ? missing : false;

/** Reads a file that is not there, for ever. */
function endlessReading(folder: string): Script {
  let calls = 0;
  return (request) => {
    if (request.json().tools === undefined) return text("A scripted session");
    const input = { file_path: join(folder, "missing.txt") };
    return toolCalls([[`toolu_${calls++}`, "Read", input]], { input_tokens: 1000 });
  };
}

/** Whatever ends a turn, or fails, has to go on. */
async function continueOnErrors(folder: string): Promise<void> {
  const command = "echo 'Not done yet: go on.' >&2; exit 2";
  const hook = [{ hooks: [{ type: "command", command }] }];
  const hooks = { Stop: hook, StopFailure: hook, SubagentStop: hook };
  await mkdir(join(folder, ".claude"));
  await writeFile(join(folder, ".claude", "settings.json"), JSON.stringify({ hooks }));
}

describe("Claude Code in a loop", { skip }, () => {
  let upstream: Upstream;
  let gateway: Gateway;
  let place: Workspace;

  beforeEach(async () => {
    place = await workspace();
    upstream = await startUpstream(endlessReading(place.folder));
    const runaway = {
      tool_loop: { action: "stop", repeats: REPEATS },
      // A machine that is busy starts hooks late.
      hook_loop: { action: "stop", turns: TURNS, gap_ms: 20_000 },
    };
    const config = { ...smallConfig(upstream.url), runaway };
    gateway = await startGateway({ config, env: SMALL_ENV });
  });
  afterEach(async () => {
    await gateway?.dispose();
    await upstream.stop();
    await place.dispose();
  });

  function run(prompt: string, ...more: readonly string[]): Promise<ClaudeCodeRun> {
    assert.ok(binary !== null, missing);
    return runClaudeCode({
      binary,
      baseUrl: `${gateway.url}/anthropic`,
      key: ADA_KEY,
      ...place,
      model: "claude-opus-5-5",
      prompt,
      args: more,
    });
  }

  function assertStopped(ended: ClaudeCodeRun, sentence: RegExp): void {
    const shown = `${ended.stdout}${ended.stderr}`;
    assert.match(shown, sentence, `${shown}\n${gateway.logs()}`);
    assert.notEqual(ended.code, 0);
  }

  test("is stopped with one sentence, and stays stopped when it is continued", async () => {
    assertStopped(await run("Read the missing file."), READ_LOOP);
    // The request with the fifth failure is the sixth of its session.
    const served = upstream.messages().length;
    assert.ok(served >= REPEATS + 1 && served <= REPEATS + 1 + UNDER_WAY, `${served} served`);
    assertStopped(await run("Go on.", "--continue"), READ_LOOP);
    await gateway.kill9();
    await gateway.restart();
    assertStopped(await run("And again.", "--continue"), READ_LOOP);
    assert.equal(upstream.messages().length, served);
    const rows = await gateway.rows((all) => all.every((row) => row.outcome !== null));
    const refused = rows.filter((row) => row.refusal !== null);
    assert.deepEqual(new Set(refused.map((row) => row.refusal)), new Set(["session_stopped"]));
  });

  test("is not set off again by a hook that continues on errors", async () => {
    await continueOnErrors(place.folder);
    assertStopped(await run("Read the missing file."), READ_LOOP);
    const rows = await gateway.rows((all) => all.some((row) => row.refusal !== null));
    const refused = rows.filter((row) => row.refusal === "session_stopped");
    assert.equal(refused.length, 1, `${refused.length} refusals`);
  });

  test("is stopped in a loop of its own hook", async () => {
    await continueOnErrors(place.folder);
    upstream.answerWith(() => text("All is done."));
    assertStopped(await run("Say that all is done."), HOOK_LOOP);
    const served = upstream.messages().length;
    assert.ok(served >= TURNS + 1 && served <= TURNS + 1 + UNDER_WAY, `${served} served`);
  });
});
