/** What follows a finding, as scopes say: nothing but a record, a warning, pauses, or the session's end. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FindingRecord } from "../../src/journal/record.ts";
import { ADA_KEY, SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { startGateway } from "../harness/gateway.ts";
import { text } from "../harness/scripts.ts";
import { startUpstream } from "../harness/upstream.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { DESK_MODEL, startDesk, type Desk } from "./desk.ts";

const REPEATS = 3;
const SENTENCE = /^The same Bash call failed 3 times in \d+ s\.$/;

/** What a client sends after so many failures of one command. */
function bodyAfter(failures: number, session = "s1"): string {
  const id = `toolu_${session}_${failures}`;
  const use = { type: "tool_use", id, name: "Bash", input: { command: 'make {"}]' } };
  const result = {
    type: "tool_result",
    tool_use_id: id,
    is_error: true,
    content: `no ${failures}`,
  };
  return JSON.stringify({
    model: DESK_MODEL,
    max_tokens: 1000,
    tools: [{ name: "Bash", input_schema: { type: "object" } }],
    messages: [
      { role: "user", content: `Make it for ${session}.` },
      { role: "assistant", content: [use] },
      { role: "user", content: [result] },
    ],
  });
}

describe("a finding", () => {
  let desk: Desk;
  before(async () => {
    const loop = (action: string) => ({ runaway: { tool_loop: { action, repeats: REPEATS } } });
    desk = await startDesk({
      ada: { runaway: { tool_loop: { repeats: REPEATS } } },
      bob: loop("warn"),
      cyd: loop("slow"),
      dan: loop("stop"),
    });
  });
  after(() => desk?.dispose());

  /** Fails so often in one session; the answers. */
  async function failing(key: string, session: string, failures: number): Promise<RawAnswer[]> {
    const answers: RawAnswer[] = [];
    const headers = { "x-claude-code-session-id": session };
    for (let failure = 1; failure <= failures; failure++)
      answers.push(await desk.ask(key, { body: bodyAfter(failure, session), headers }));
    return answers;
  }

  async function findings(key: string): Promise<readonly FindingRecord[]> {
    const answer = await desk.gateway.api(`/api/v1/findings?virtual_key=${key}`);
    return (answer as { readonly data: readonly FindingRecord[] }).data;
  }

  test("is recorded alone where nothing is said, once", async () => {
    const answers = await failing("ada", "s1", 2 * REPEATS + 1);
    assert.ok(
      answers.every(({ status, headers }) => status === 200 && !headers["tollgate-warning"]),
    );
    const [found, ...more] = await findings("ada");
    assert.deepEqual(more, []);
    assert.ok(found !== undefined);
    const { detector, action, session, sentence, evidence, would } = found;
    assert.deepEqual(
      { detector, action, session, would, times: evidence["times"] },
      { detector: "tool_loop", action: "observe", session: "s1", would: null, times: REPEATS },
    );
    assert.match(sentence, SENTENCE);
    assert.equal(found.request, answers[REPEATS - 1]?.headers["tollgate-request-id"]);
  });

  test("warns the client in the answer at which it is found, and in no other", async () => {
    const answers = await failing("bob", "s1", REPEATS + 1);
    const warnings = answers.map(({ headers }) => headers["tollgate-warning"]);
    assert.deepEqual(
      [...warnings.slice(0, REPEATS - 1), warnings.at(-1)],
      Array(REPEATS).fill(undefined),
    );
    assert.match(String(warnings[REPEATS - 1]), SENTENCE);
  });

  test("slows the session down, each time for longer, and no other session", async () => {
    const answers = await failing("cyd", "s1", REPEATS + 2);
    const slowed = answers.map(({ headers }) => Number(headers["tollgate-slowed-ms"] ?? 0));
    const [first = 0, second = 0] = slowed.slice(REPEATS);
    assert.ok(first >= 900 && second >= 1_900, `${first} ms, ${second} ms`);
    assert.ok(slowed.slice(0, REPEATS).every((ms) => ms === 0));
    const [other] = await failing("cyd", "s2", 1);
    assert.equal(other?.headers["tollgate-slowed-ms"], undefined);
  });

  test("stops the session for good, and no other", async () => {
    const answers = await failing("dan", "s1", REPEATS + 2);
    const statuses = answers.map(({ status }) => status);
    assert.deepEqual(statuses.slice(0, REPEATS), Array(REPEATS).fill(200));
    assert.equal(statuses.at(-1), 402);
    const last = answers.at(-1);
    assert.ok(last !== undefined);
    const message = await desk.assertRefused(last, {
      status: 402,
      type: "billing_error",
      code: "session_stopped",
    });
    assert.match(message, /^Session s1 was stopped: The same Bash call failed 3 times in /);
    const [other] = await failing("dan", "s2", 1);
    assert.equal(other?.status, 200);
    assert.deepEqual(
      (await findings("dan")).map(({ action }) => action),
      ["stop"],
    );
  });

  test("is counted by detector and what followed", async () => {
    const { adminUrl, adminToken } = desk.gateway;
    const headers = { authorization: `Bearer ${adminToken}` };
    const { body } = await send(adminUrl, { method: "GET", path: "/metrics", headers });
    for (const action of ["observe", "warn", "slow", "stop"]) {
      const series = `tollgate_runaway_findings_total{detector="tool_loop",action="${action}"} 1`;
      assert.ok(body.toString().includes(series), series);
    }
  });

  test("is still known after a restart", async () => {
    const before = await desk.gateway.api("/api/v1/findings");
    await desk.gateway.kill9();
    await desk.gateway.restart();
    assert.deepEqual(await desk.gateway.api("/api/v1/findings"), before);
    const none = await desk.gateway.api("/api/v1/findings?detector=hook_loop");
    assert.deepEqual(none, { data: [], next_cursor: null });
  });
});

test("a finding changes nothing in observe mode, and says what would have followed", async (t) => {
  const upstream = await startUpstream(() => text("ok"));
  const runaway = { default: "stop", tool_loop: { repeats: REPEATS } };
  const config = { ...smallConfig(upstream.url), mode: "observe", runaway };
  const gateway = await startGateway({ config, env: SMALL_ENV });
  t.after(async () => {
    await gateway.dispose();
    await upstream.stop();
  });
  const headers = {
    "x-api-key": ADA_KEY,
    "content-type": "application/json",
    "x-claude-code-session-id": "s1",
  };
  for (let failure = 1; failure <= REPEATS + 1; failure++) {
    const asked = { path: "/v1/messages", body: bodyAfter(failure), headers };
    const answer = await send(gateway.url, asked);
    assert.deepEqual([answer.status, answer.headers["tollgate-warning"]], [200, undefined]);
  }
  const { data } = (await gateway.api("/api/v1/findings")) as { data: FindingRecord[] };
  assert.deepEqual(
    data.map(({ action, would }) => [action, would]),
    [["observe", "stop"]],
  );
});
