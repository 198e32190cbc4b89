/** Sessions from outside: listed live, stopped and paused by API and CLI, for good, whatever a client sends. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../harness/gateway.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { text } from "../harness/scripts.ts";
import { DESK_MODEL, startDesk, type Desk } from "./desk.ts";

const STOPPED = {
  status: 402,
  type: "billing_error",
  code: "session_stopped",
  headers: { "x-should-retry": "false", "retry-after": undefined },
} as const;

interface SessionRow {
  readonly virtual_key: string;
  readonly session: string;
  readonly state: string;
  readonly reason: string | null;
  readonly actor: string | null;
  readonly requests: number;
  readonly spent_usd: string;
  readonly in_flight: number;
}

describe("sessions", () => {
  let desk: Desk;
  before(async () => {
    desk = await startDesk({ ada: {}, bob: {} });
  });
  after(() => desk?.dispose());

  const inSession = (session: string, agent?: string) => ({
    headers: {
      "x-claude-code-session-id": session,
      ...(agent === undefined ? {} : { "x-claude-code-agent-id": agent }),
    },
  });

  async function order(path: string, body: object = {}): Promise<RawAnswer> {
    const { adminUrl, adminToken } = desk.gateway;
    return send(adminUrl, {
      path: `/api/v1/sessions/${path}`,
      body: JSON.stringify(body),
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
    });
  }

  const shown = async (path: string) =>
    (await desk.gateway.api(`/api/v1/sessions/${path}`)) as SessionRow;

  test("are listed with what they ask for and spend, the latest first", async () => {
    const usage = { input_tokens: 1000, output_tokens: 100 };
    assert.equal((await desk.ask("ada", inSession("s1"), text("ok", usage))).status, 200);
    assert.equal((await desk.ask("ada", inSession("s1", "a1"), text("ok", usage))).status, 200);
    assert.equal((await desk.ask("bob", inSession("s1"), text("ok", usage))).status, 200);
    const list = (await desk.gateway.api("/api/v1/sessions")) as { data: SessionRow[] };
    assert.deepEqual(
      list.data.map((each) => [each.virtual_key, each.session, each.state, each.requests]),
      [
        ["bob", "s1", "running", 1],
        ["ada", "s1", "running", 2],
      ],
    );
    // 1,000 in and 100 out at $4 and $20 a million.
    assert.deepEqual(
      list.data.map((each) => each.spent_usd),
      ["0.006", "0.012"],
    );
    const one = (await desk.gateway.api("/api/v1/sessions/ada/s1")) as SessionRow & {
      readonly agents: readonly { readonly agent: string; readonly spent_usd: string }[];
    };
    assert.deepEqual(
      one.agents.map(({ agent, spent_usd }) => [agent, spent_usd]),
      [["a1", "0.006"]],
    );
    const none = await desk.gateway.api("/api/v1/sessions?state=stopped&active_within_seconds=60");
    assert.deepEqual(none, { data: [], next_cursor: null });
  });

  test("that are stopped are refused from the next request on, each key's own alone", async () => {
    const stopped = await order("ada/s1/stop", { reason: "it repeats itself." });
    assert.equal(stopped.status, 200, stopped.body.toString());
    await desk.unheard(async () => {
      const message = await desk.assertRefused(await desk.ask("ada", inSession("s1")), STOPPED);
      assert.match(message, /^Session s1 was stopped: it repeats itself; start a new session/);
    });
    assert.equal((await desk.ask("bob", inSession("s1"))).status, 200);
    assert.equal((await desk.ask("ada", inSession("s2"))).status, 200);
    const count = await desk.ask("ada", { path: "/v1/messages/count_tokens", ...inSession("s1") });
    assert.equal(count.status, 200);
    const { state, reason, actor } = await shown("ada/s1");
    assert.deepEqual([state, reason, actor], ["stopped", "it repeats itself.", "token"]);
    assert.equal((await order("ada/s1/resume")).status, 200);
    assert.equal((await desk.ask("ada", inSession("s1"))).status, 200);
  });

  test("can be stopped before they are seen; nobody's cannot", async () => {
    assert.equal((await order("ada/never%2Fseen/stop")).status, 200);
    await desk.assertRefused(await desk.ask("ada", inSession("never/seen")), STOPPED);
    assert.equal((await order("nobody/s1/stop")).status, 404);
    assert.equal((await order(`ada/${"x".repeat(129)}/stop`)).status, 400);
    await assert.rejects(desk.gateway.api("/api/v1/sessions/ada/unheard-of"), /404/);
  });

  test("without an id are the key's default session, which can be stopped", async () => {
    assert.equal((await desk.ask("bob")).status, 200);
    const today = `default ${new Date().toISOString().slice(0, 10)}`;
    const path = `bob/${encodeURIComponent(today)}`;
    assert.equal((await order(`${path}/pause`, { reason: "lunch" })).status, 200);
    const message = await desk.assertRefused(await desk.ask("bob"), STOPPED);
    assert.match(message, /default session of key bob was paused: lunch; your platform team resu/);
    assert.equal((await order(`${path}/resume`)).status, 200);
    assert.equal((await desk.ask("bob")).status, 200);
  });

  test("are stopped by the CLI, in the journal with actor, before and after, over a kill", async () => {
    const { gateway } = desk;
    const done = await gateway.cli("sessions", "stop", "ada", "s2", "--reason", "too dear");
    assert.equal(done.code, 0, done.output);
    assert.match(done.output, /Session s2 of key ada is stopped/);
    const lasting = async () => ({ ...(await shown("ada/s2")), usd_per_hour: null });
    const before = await lasting();
    await gateway.kill9();
    await gateway.restart();
    await desk.assertRefused(await desk.ask("ada", inSession("s2")), STOPPED);
    assert.deepEqual(await lasting(), before);
    assert.equal((await shown("ada/s1")).requests, 3);
    const list = await gateway.cli("sessions", "list", "--state", "stopped", "--json");
    const stopped = JSON.parse(list.output) as SessionRow[];
    assert.deepEqual(stopped.map(({ session }) => session).toSorted(), ["never/seen", "s2"]);
    const records = (await gateway.api("/api/v1/audit/records?limit=1000")) as {
      data: { record: { type: string; id: string; action: string; actor: string } }[];
    };
    const text = JSON.stringify(records);
    assert.ok(text.includes('"action":"stop"') && text.includes('"actor":"local"'), text);
    const shownBy = await gateway.cli("sessions", "show", "ada", "s2");
    assert.match(shownBy.output, /Session s2 of key ada is stopped, .* by local: too dear\./);
  });

  test("that are stopped let an answer that runs end", async () => {
    const answer = { ...text("a long answer"), delivery: { eventDelayMs: 150 } };
    const asked = desk.ask("ada", { ...inSession("s3"), body: streamBody() }, answer);
    await until("it runs", async () => (await runningOf("ada/s3")) === 1);
    assert.equal((await order("ada/s3/stop")).status, 200);
    const whole = await asked;
    assert.equal(whole.status, 200);
    assert.match(whole.body.toString(), /message_stop/);
    await desk.assertRefused(await desk.ask("ada", inSession("s3")), STOPPED);
  });

  async function runningOf(path: string): Promise<number> {
    return shown(path).then(
      ({ in_flight }) => in_flight,
      () => 0,
    );
  }
});

function streamBody(): string {
  const messages = [{ role: "user", content: "Hi" }];
  return JSON.stringify({ model: DESK_MODEL, max_tokens: 1000, stream: true, messages });
}
