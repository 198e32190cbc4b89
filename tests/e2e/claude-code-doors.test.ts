/** The same unmodified Claude Code, its session served by upstreams of six dialects and by a mock that others made. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { nanoOf } from "../harness/bill.ts";
import { claudeCodeBinary } from "../harness/claude-code.ts";
import { startGoogleAccount, type GoogleAccount } from "../harness/dialects/google-account.ts";
import { DOOR_SESSION_DONE, DOOR_SUBAGENT_DONE, doorSession } from "../harness/dialects/session.ts";
import { startDialectUpstream, type DialectUpstream } from "../harness/dialects/upstream.ts";
import { startGateway, type Gateway, type RequestRow } from "../harness/gateway.ts";
import { runClaudeCode, workspace, type ClaudeCodeRun, type Workspace } from "./claude-code-run.ts";
import { secretOf } from "./desk.ts";
import {
  DOOR_MODEL,
  DOORS,
  doorConfig,
  doorEnv,
  identification,
  type DoorCase,
} from "./doors-desk.ts";

const binary = claudeCodeBinary();
const missing = "the package @anthropic-ai/claude-code-linux-x64 is not installed";
// In CI a missing binary fails the tests by its name instead of passing over them.
const skip = binary === null && process.env["CI"] !== "true" ? missing : false;

const SERVED = new Set(["chat", "responses", "gemini", "converse", "invoke", "vertex"]);
/** Dialects that the mock covers. Its streamed InvokeModel has no `bytes`, which the real one wraps events in. */
const MOCKED = new Set(["chat", "responses", "gemini", "converse"]);
const MOCK_DONE = "The mock has seen the note.";

describe("Claude Code", { skip }, () => {
  let google: GoogleAccount;
  let gateway: Gateway | null;
  let place: Workspace;

  before(async () => {
    google = await startGoogleAccount();
  });
  after(() => google.stop());
  beforeEach(async () => {
    gateway = null;
    place = await workspace();
  });
  afterEach(async () => {
    await gateway?.dispose();
    await place.dispose();
  });

  async function start(door: DoorCase, url: string): Promise<Gateway> {
    const config = doorConfig([door], () => url);
    gateway = await startGateway({ config, env: doorEnv([door], google) });
    return gateway;
  }

  function run(running: Gateway, door: DoorCase, prompt: string): Promise<ClaudeCodeRun> {
    assert.ok(binary !== null, missing);
    const key = secretOf(door.id);
    const baseUrl = `${running.url}/anthropic`;
    return runClaudeCode({ binary, baseUrl, key, ...place, model: DOOR_MODEL, prompt });
  }

  async function assertSession(door: DoorCase, upstream: DialectUpstream): Promise<void> {
    const running = await start(door, upstream.url);
    const ended = await run(running, door, "Translate the note.");
    const shown = `${ended.stdout}${ended.stderr}\n${upstream.refused.join("\n")}\n${running.logs()}`;
    assert.deepEqual(upstream.refused, [], shown);
    assert.equal(ended.code, 0, shown);
    assert.ok(ended.stdout.includes(DOOR_SESSION_DONE), shown);
    assert.equal(await readFile(join(place.folder, "note.txt"), "utf8"), "one\nzwei\n");
    // The subagent runs beside the main loop: its words come back as a notification.
    const isTold = upstream.requests.some(({ texts, toolResults }) =>
      [...texts, ...toolResults.map((result) => result.text)].some((said) =>
        said.includes(DOOR_SUBAGENT_DONE),
      ),
    );
    assert.ok(isTold, "the subagent's words");

    const rows = await messageRows(running, upstream.requests.length);
    for (const row of rows) {
      const { outcome, status, estimated, provider } = row;
      assert.deepEqual([outcome, status, estimated, provider], ["ok", 200, false, door.id]);
    }
    assert.deepEqual(new Set(rows.map((row) => row.task_type)), new Set(["main", "subagent"]));
    assert.ok(upstream.bill.lines.every(({ state }) => state === "complete"));
    assert.equal(sumOf(rows), upstream.bill.totalNano);
    const [budget] = await running.budgets();
    assert.equal(nanoOf(budget?.settled_usd ?? "0"), upstream.bill.totalNano);
  }

  for (const door of DOORS.filter(({ id }) => SERVED.has(id))) {
    test(`is served by ${door.format}: tools, a subagent, every nano-dollar`, async () => {
      const upstream = await startDialectUpstream(
        door.format,
        doorSession(place.folder),
        identification(door, google),
      );
      try {
        await assertSession(door, upstream);
      } finally {
        await upstream.stop();
      }
    });
  }

  for (const door of DOORS.filter(({ id }) => MOCKED.has(id))) {
    test(`is served by aimock's ${door.format}`, async () => {
      const mock = new LLMock({ port: 0 });
      const file = join(place.folder, "note.txt");
      const bash = { command: `echo mocked > ${file}`, description: "Write a note" };
      mock.on(
        { predicate: ({ messages }) => messages.some(({ role }) => role === "tool") },
        { content: MOCK_DONE },
      );
      mock.onMessage(/Write the note/, {
        content: "",
        toolCalls: [{ name: "Bash", arguments: JSON.stringify(bash) }],
      });
      mock.onMessage(/./, { content: "A title" });
      await mock.start();
      try {
        const running = await start(door, mock.url);
        const ended = await run(running, door, "Write the note.");
        assert.ok(
          ended.stdout.includes(MOCK_DONE),
          `${ended.stdout}${ended.stderr}\n${running.logs()}`,
        );
        assert.equal(await readFile(file, "utf8"), "mocked\n");
      } finally {
        await mock.stop();
      }
    });
  }
});

/** The rows of all requests for messages, once there are `count` and all are over; exactly that many. */
async function messageRows(running: Gateway, count: number): Promise<RequestRow[]> {
  const messagesOf = (all: readonly RequestRow[]): RequestRow[] =>
    all.filter((row) => row.task_type !== "count" && row.outcome !== null);
  const rows = messagesOf(await running.rows((all) => messagesOf(all).length >= count));
  assert.equal(rows.length, count, JSON.stringify(rows, null, 1));
  return rows;
}

function sumOf(rows: readonly RequestRow[]): bigint {
  return rows.reduce((sum, row) => sum + nanoOf(row.cost_usd), 0n);
}
