/** Every lever through a passing and a translated door: what the upstream sees, and what is told of it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startLeversDesk, type LeversDesk } from "./levers-desk.ts";

const MODEL = "claude-opus-5-5";
const USER = { role: "user", content: "Hi" };
const CACHED = { type: "ephemeral", ttl: "1h" };
const TITLE = { "x-claude-code-request-class": "auxiliary" };
const AGENT = { "x-claude-code-request-class": "subagent", "x-claude-code-agent-id": "a1" };

interface Row {
  readonly levers: readonly Readonly<Record<string, unknown>>[];
  readonly requested_model: string;
}

const CAPS = {
  max_tokens: 32_000,
  thinking_budget_max: 4096,
  effort_max: "medium",
  cache_ttl: "5m",
  models: { "claude-opus-*": "claude-sonnet-5-5" },
};
const WORK = {
  model: MODEL,
  max_tokens: 128_000,
  system: [{ type: "text", text: "You code.", cache_control: CACHED }],
  messages: [USER],
  thinking: { type: "enabled", budget_tokens: 64_000 },
  output_config: { effort: "high" },
};
const WORK_HEADER =
  "models=claude-opus-5-5>claude-sonnet-5-5,max_tokens=128000>32000," +
  "thinking_budget_max=64000>4096,effort_max=high>medium,cache_ttl=1h>5m";

let desk: LeversDesk;
before(async () => {
  desk = await startLeversDesk(
    {
      capped: CAPS,
      converse: CAPS,
      tasks: { background_model: "claude-haiku-5-5", subagent_model: "claude-sonnet-5-5" },
      betas: { strip_betas: ["context-1m-*", "fast-*"] },
      strict: { long_context: "refuse", fast_mode: "refuse" },
      slow: { fast_mode: "strip", web_search_max_uses: 2 },
      free: {},
      rule: { cache_ttl: "as_asked" },
      ruled: { max_tokens: 64_000 },
    },
    {
      lever_rules: [
        { id: "small", when: 'virtual_key == "ruled"', levers: { max_tokens: 16_000 } },
        {
          id: "long",
          when: 'virtual_key == "rule" && max_tokens > 4000',
          levers: { cache_ttl: "1h" },
        },
      ],
    },
  );
});
after(() => desk?.dispose());

describe("levers", () => {
  test("lower what is asked at a door that passes, and keep all else", async () => {
    const answer = await desk.ask("capped", WORK);
    assert.equal(answer.status, 200);
    assert.deepEqual(desk.seen(), {
      ...WORK,
      model: "claude-sonnet-5-5",
      max_tokens: 32_000,
      system: [{ ...WORK.system[0], cache_control: { type: "ephemeral", ttl: "5m" } }],
      thinking: { type: "enabled", budget_tokens: 4096 },
      output_config: { effort: "medium" },
    });
    assert.equal(answer.headers["tollgate-levers"], WORK_HEADER);
    assert.equal(answer.headers["tollgate-served-by"], "anthropic/claude-sonnet-5-5");
    const row = (await desk.rowOf(answer)) as unknown as Row;
    assert.equal(row.requested_model, MODEL);
    assert.deepEqual(row.levers[1], {
      lever: "max_tokens",
      from: 128_000,
      to: 32_000,
      by: "virtual_key/capped",
    });
    assert.equal(row.levers.length, 5);
    const detail = (await desk.gateway.api(
      `/api/v1/requests/${String(answer.headers["tollgate-request-id"])}`,
    )) as Row;
    assert.deepEqual(detail.levers, row.levers);
  });

  test("lower the same at a door of another dialect", async () => {
    const answer = await desk.ask("converse", WORK);
    assert.equal(answer.status, 200, answer.body.toString());
    assert.equal(answer.headers["tollgate-levers"], WORK_HEADER);
    const [request] = desk.translated.requests;
    assert.match(request?.model ?? "", /claude-sonnet-5-5/);
    assert.equal(request?.maxTokens, 32_000);
    const sent = JSON.stringify(request?.body);
    assert.match(sent, /"budget_tokens":4096/);
    assert.match(sent, /"effort":"medium"/);
    assert.doesNotMatch(sent, /"ttl":"1h"/);
  });

  test("say nothing and touch nothing where a request stays within them", async () => {
    const small = { model: "claude-sonnet-5-5", max_tokens: 100, messages: [USER] };
    const answer = await desk.ask("capped", small);
    assert.equal(answer.headers["tollgate-levers"], undefined);
    assert.deepEqual(desk.seen(), small);
    assert.deepEqual(((await desk.rowOf(answer)) as unknown as Row).levers, []);
  });

  test("give a count the same model, and nothing else", async () => {
    const count = { model: MODEL, messages: [USER], thinking: WORK.thinking };
    const answer = await desk.ask("capped", count, { path: "/v1/messages/count_tokens" });
    assert.equal(answer.status, 200);
    assert.deepEqual(desk.seen(), { ...count, model: "claude-sonnet-5-5" });
    const long = { ...count, model: `${MODEL}[1m]` };
    const path = "/v1/messages/count_tokens";
    assert.equal((await desk.ask("strict", long, { path })).status, 200);
    await desk.ask("tasks", count, { path, headers: AGENT });
    assert.equal(desk.seen()["model"], "claude-sonnet-5-5");
  });

  test("choose models by kind of task", async () => {
    const body = { model: MODEL, max_tokens: 100, messages: [USER] };
    const modelFor = async (headers: Readonly<Record<string, string>>) => {
      await desk.ask("tasks", body, { headers });
      return desk.seen()["model"];
    };
    assert.equal(await modelFor(TITLE), "claude-haiku-5-5");
    assert.equal(await modelFor(AGENT), "claude-sonnet-5-5");
    assert.equal(await modelFor({ "x-claude-code-request-class": "main" }), MODEL);
  });

  test("strip betas, and leave the header out where none is left", async () => {
    const body = { model: MODEL, max_tokens: 100, messages: [USER] };
    const betas = "context-1m-2025-08-07,effort-2025-11-24";
    const answer = await desk.ask("betas", body, { headers: { "anthropic-beta": betas } });
    assert.equal(desk.passing.requests.at(-1)?.headers["anthropic-beta"], "effort-2025-11-24");
    const header = "strip_betas=context-1m-2025-08-07>none";
    assert.equal(answer.headers["tollgate-levers"], header);
    await desk.ask("betas", body, { headers: { "anthropic-beta": "fast-mode-2026-02-01" } });
    assert.equal(desk.passing.requests.at(-1)?.headers["anthropic-beta"], undefined);
  });

  test("refuse the 1M context and fast mode with a sentence that names the scope", async () => {
    const body = { model: MODEL, max_tokens: 100, messages: [USER] };
    const before = desk.passing.requests.length;
    for (const answer of [
      await desk.ask("strict", { ...body, model: `${MODEL}[1m]` }),
      await desk.ask("strict", body, { headers: { "anthropic-beta": "context-1m-2025-08-07" } }),
      await desk.ask("strict", { ...body, speed: "fast" }),
      await desk.ask("slow", { ...body, fallbacks: [{ model: MODEL, speed: "fast" }] }),
    ]) {
      const { error } = answer.json() as { error: { type: string; message: string } };
      assert.deepEqual([answer.status, error.type], [402, "permission_error"]);
      assert.match(error.message, /\(by virtual_key\/(strict|slow)\)/);
      const { refusal, outcome } = await desk.rowOf(answer);
      assert.deepEqual([refusal, outcome], ["request_not_allowed", "refused"]);
    }
    assert.equal(desk.passing.requests.length, before);
    assert.equal((await desk.ask("strict", { ...body, speed: "standard" })).status, 200);
  });

  test("strip fast mode and bound web searches", async () => {
    const search = { type: "web_search_20250305", name: "web_search" };
    const body = { model: MODEL, max_tokens: 100, messages: [USER] };
    const answer = await desk.ask("slow", {
      speed: "fast",
      ...body,
      tools: [{ ...search, max_uses: 8 }],
    });
    assert.deepEqual(desk.seen(), { ...body, tools: [{ ...search, max_uses: 2 }] });
    const header = "fast_mode=fast>none,web_search_max_uses=8>2";
    assert.equal(answer.headers["tollgate-levers"], header);
    await desk.ask("slow", { ...body, tools: [search] });
    assert.deepEqual(desk.seen()["tools"], [{ max_uses: 2, ...search }]);
  });

  test("of rules apply as well, and the least cap counts", async () => {
    const body = { model: MODEL, max_tokens: 90_000, messages: [USER] };
    const answer = await desk.ask("ruled", body);
    assert.equal(desk.seen()["max_tokens"], 16_000);
    const [change] = ((await desk.rowOf(answer)) as unknown as Row).levers;
    assert.equal(change?.["by"], "rule/small");
    await desk.ask("free", body);
    assert.deepEqual(desk.seen(), body);
  });

  test("never change the life of a session's cache in its middle", async () => {
    const system = [{ type: "text", text: "S", cache_control: { type: "ephemeral" } }];
    const ttlOf = async (session: string, maxTokens: number) => {
      const body = { model: MODEL, max_tokens: maxTokens, system, messages: [USER] };
      await desk.ask("rule", body, { headers: { "x-claude-code-session-id": session } });
      const [block] = desk.seen()["system"] as { cache_control: { ttl?: string } }[];
      return block?.cache_control.ttl;
    };
    assert.equal(await ttlOf("first", 5000), "1h");
    assert.equal(await ttlOf("first", 100), "1h");
    assert.equal(await ttlOf("second", 100), undefined);
    assert.equal(await ttlOf("second", 5000), undefined);
  });

  test("claude-settings writes what fits a key's levers", async () => {
    const ended = await desk.gateway.cli("claude-settings", "--key", "capped", "--url", "http://g");
    assert.equal(ended.code, 0, ended.output);
    const settings = JSON.parse(ended.output) as { env: Record<string, string> };
    assert.equal(settings.env["ANTHROPIC_BASE_URL"], "http://g/anthropic");
    assert.equal(settings.env["CLAUDE_CODE_MAX_OUTPUT_TOKENS"], "32000");
    const unknown = await desk.gateway.cli("claude-settings", "--key", "nobody");
    assert.notEqual(unknown.code, 0);
    assert.match(unknown.output, /nobody/);
  });
});

test("observe mode changes nothing, and rows say what would have been changed", async () => {
  const observing = await startLeversDesk(
    { capped: { ...CAPS, long_context: "refuse", cache_ttl: "5m" } },
    { mode: "observe" },
  );
  try {
    const answer = await observing.ask("capped", WORK);
    assert.deepEqual(observing.seen(), WORK);
    assert.equal(answer.headers["tollgate-levers"], undefined);
    const { levers } = (await observing.rowOf(answer)) as unknown as Row;
    assert.equal(levers.length, 5);
    assert.ok(levers.every(({ observed }) => observed === true));
    const headers = { "anthropic-beta": "context-1m-2025-08-07" };
    const waived = await observing.ask("capped", WORK, { headers });
    assert.equal(waived.status, 200);
    assert.equal((await observing.rowOf(waived)).refusal, "request_not_allowed");
  } finally {
    await observing.dispose();
  }
});
