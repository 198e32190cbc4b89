/** Caps on sessions and subagents from outside, and clients that forge ids or leave them out. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { writeFile } from "node:fs/promises";
import {
  settledRows,
  startGateway,
  until,
  type BudgetRow,
  type Gateway,
} from "../harness/gateway.ts";
import { ADA_KEY, SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { text } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { DESK_MODEL, startDesk, type Desk } from "./desk.ts";

const LIMITED = {
  status: 402,
  type: "billing_error",
  code: "session_limited",
  headers: { "x-should-retry": "false", "retry-after": undefined },
} as const;
const STOPPED = { ...LIMITED, code: "session_stopped" } as const;

interface Sender {
  readonly session?: string;
  readonly agent?: string;
  readonly parent?: string;
  readonly messages?: readonly object[];
}

const prompt = { role: "user", content: "Count the lines." };

/** A conversation with an answer that no other can have. */
function conversation(id: string): object[] {
  const call = { type: "tool_use", id: `toolu_${id}`, name: "Bash", input: { command: "wc -l" } };
  const result = { type: "tool_result", tool_use_id: `toolu_${id}`, content: "7" };
  return [prompt, { role: "assistant", content: [call] }, { role: "user", content: [result] }];
}

describe("caps on sessions", () => {
  let desk: Desk;
  before(async () => {
    desk = await startDesk({
      few: { sessions: { requests: 2 } },
      words: { sessions: { tokens: 30 } },
      short: { sessions: { duration: "1ms" } },
      flat: { sessions: { depth: 1, subagents: 2 }, subagents: { requests: 2 } },
      free: {},
    });
  });
  after(() => desk?.dispose());

  function ask(key: string, of: Sender): Promise<RawAnswer> {
    const { session, agent, parent, messages = [prompt] } = of;
    const headers: Record<string, string> = {
      ...(session === undefined ? {} : { "x-claude-code-session-id": session }),
      ...(agent === undefined ? {} : { "x-claude-code-agent-id": agent }),
      ...(parent === undefined ? {} : { "x-claude-code-parent-agent-id": parent }),
    };
    const body = JSON.stringify({ model: DESK_MODEL, max_tokens: 1000, messages });
    return desk.ask(key, { headers, body });
  }

  async function served(key: string, of: Sender): Promise<void> {
    const answer = await ask(key, of);
    assert.equal(answer.status, 200, answer.body.toString());
  }

  test("in requests, each session's own, at the very number under concurrency", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ask("few", { session: "s1" })),
    );
    const refused = answers.filter(({ status }) => status === 402);
    assert.deepEqual([answers.length, refused.length], [8, 6]);
    const message = await desk.assertRefused(await ask("few", { session: "s1" }), LIMITED);
    assert.equal(
      message,
      "Session s1 has made 2 requests, all that key few allows a session; start a new session (/clear), or ask your platform team.",
    );
    await served("few", { session: "s2" });
  });

  test("in tokens and in time", async () => {
    // 10 in and 5 out each.
    for (let made = 0; made < 2; made++) await served("words", { session: "s1" });
    const used = await desk.assertRefused(await ask("words", { session: "s1" }), LIMITED);
    assert.match(used, /has used 30 tokens, all that key words allows a session/);
    await served("short", { session: "s1" });
    const lasted = await desk.assertRefused(await ask("short", { session: "s1" }), LIMITED);
    assert.match(lasted, /has lasted 1ms, all that key short allows/);
  });

  test("in depth, in subagents however they are called, and each subagent's requests", async () => {
    await served("flat", { session: "s1", agent: "a1" });
    const deep = await ask("flat", { session: "s1", agent: "b1", parent: "a1" });
    assert.match(
      await desk.assertRefused(deep, LIMITED),
      /nests agents deeper than the 1 that key/,
    );
    const orphan = await ask("flat", { session: "s1", agent: "b2", parent: "unheard-of" });
    await desk.assertRefused(orphan, LIMITED);
    await served("flat", { session: "s1", agent: "a2" });
    for (const agent of ["a3", "invented", "A2"]) {
      const message = await desk.assertRefused(
        await ask("flat", { session: "s1", agent }),
        LIMITED,
      );
      assert.match(message, /^Session s1 has had 2 subagents, all that key flat allows a session;/);
    }
    await served("flat", { session: "s1", agent: "a1" });
    const third = await ask("flat", { session: "s1", agent: "a1" });
    assert.match(await desk.assertRefused(third, LIMITED), /^Subagent a1 has made 2 requests, all/);
    await served("flat", { session: "s1" });
  });

  test("hold for the default session where ids are left out", async () => {
    await served("few", {});
    await served("few", {});
    const message = await desk.assertRefused(await ask("few", {}), LIMITED);
    assert.match(message, /^The default session of key few has made 2 requests/);
  });

  test("follow a conversation under another id, under none, and behind a decoy", async () => {
    const messages = conversation("one");
    await served("free", { session: "s1", messages });
    await served("free", { session: "decoy" });
    const stopped = await desk.gateway.cli("sessions", "stop", "free", "s1", "--reason", "enough");
    assert.equal(stopped.code, 0, stopped.output);
    const longer = [...messages, { role: "assistant", content: "7" }, prompt];
    const disguises: Sender[] = [
      { session: "s1" },
      { session: "another", messages: longer },
      { session: "decoy", messages: longer },
      { messages: longer },
      { session: "another", agent: "a1", messages: longer },
    ];
    for (const disguise of disguises) {
      const answer = await ask("free", disguise);
      assert.match(await desk.assertRefused(answer, STOPPED), /^Session s1 was stopped: enough;/);
      assert.equal((await desk.rowOf(answer)).session, disguise.session ?? null);
    }
    await served("free", { session: "third", messages: conversation("two") });
    // Learnt before a kill, and known after it.
    await desk.gateway.kill9();
    await desk.gateway.restart();
    await desk.assertRefused(await ask("free", { session: "x", messages: longer }), STOPPED);
    assert.equal((await ask("few", { session: "s1" })).status, 402);
    await served("few", { session: "s9" });
  });

  test("count what comes under another id to the session that it continues", async () => {
    const messages = conversation("three");
    await served("few", { session: "t1", messages });
    await served("few", { session: "t2", messages });
    const message = await desk.assertRefused(
      await ask("few", { session: "t2", messages }),
      LIMITED,
    );
    assert.match(message, /^Session t1 has made 2 requests/);
  });
});

describe("sessions while the configuration changes", () => {
  const MODEL_COST = { input_tokens: 1000, output_tokens: 100 };
  let upstream: Upstream;
  let gateway: Gateway;
  before(async () => {
    upstream = await startUpstream(() => ({
      ...text("ok", MODEL_COST),
      delivery: { headDelayMs: 300 },
    }));
    gateway = await startGateway({ config: configOf("platform", {}), env: SMALL_ENV });
  });
  after(async () => {
    await gateway?.dispose();
    await upstream?.stop();
  });

  function configOf(team: string, more: object): object {
    const budgets = [{ usd: "10", per: "session" }];
    const teams = ["platform", "research"].map((id) => ({ id, customer: "acme", budgets }));
    const key = { team, owner: "someone@acme.example", sessions: { requests: 2 } };
    return { ...smallConfig(upstream.url, { key }), teams, owners: [], ...more };
  }

  async function reload(config: object): Promise<void> {
    const seen = gateway.logs().length;
    await writeFile(gateway.configFile, JSON.stringify(config, null, 2));
    await until("the file is read again", () =>
      /configuration (in force|kept)/.test(gateway.logs().slice(seen)),
    );
  }

  function ask(): Promise<RawAnswer> {
    const headers = {
      "x-api-key": ADA_KEY,
      "content-type": "application/json",
      "x-claude-code-session-id": "s1",
    };
    const body = JSON.stringify({ model: DESK_MODEL, max_tokens: 100, messages: [prompt] });
    return send(gateway.url, { path: "/v1/messages", headers, body });
  }

  test("a key that moves with a request in flight leaves the spend where it was made", async () => {
    const asked = ask();
    await until("it runs", () => upstream.messages().length === 1);
    await reload(configOf("research", {}));
    assert.equal((await asked).status, 200);
    assert.equal((await ask()).status, 200);
    await settledRows(gateway);
    const windows = (await gateway.budgets()) as (BudgetRow & {
      readonly parent: { readonly id: string };
    })[];
    assert.deepEqual(
      windows.map(({ parent, settled_usd }) => [parent.id, settled_usd]),
      [
        ["platform", "0.006"],
        ["research", "0.006"],
      ],
    );
    const shown = (await gateway.api("/api/v1/sessions/ada/s1")) as Record<string, unknown>;
    const { team, requests, spent_usd } = shown;
    assert.deepEqual([team, requests, spent_usd], ["research", 2, "0.012"]);
    assert.equal((await ask()).status, 402);
  });

  test("observe mode waives caps and says so; a stop stands", async () => {
    await reload(configOf("research", { mode: "observe" }));
    const answer = await ask();
    assert.equal(answer.status, 200);
    const id = answer.headers["tollgate-request-id"];
    const rows = await gateway.rows((all) => all.some((row) => row.id === id));
    const row = rows.find((each) => each.id === id);
    assert.deepEqual([row?.refusal, row?.outcome], ["session_limited", "ok"]);
    assert.equal((await gateway.cli("sessions", "pause", "ada", "s1")).code, 0);
    assert.equal((await ask()).status, 402);
    assert.equal((await gateway.cli("sessions", "resume", "ada", "s1")).code, 0);
    assert.equal((await ask()).status, 200);
  });
});
