/** Whatever kind of usage the provider reports, the row costs what the provider's bill says. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { lineNano, nanoOf, type WireUsage } from "../harness/bill.ts";
import { integer, randomOf } from "../harness/scripts-random.ts";
import { text, usage, type MessageAnswer } from "../harness/scripts.ts";
import { startDesk, type Desk } from "./desk.ts";

const SEED = Number(process.env["TOLLGATE_SEED"] ?? Date.now() % 1_000_000);
const RANDOM_CASES = 60;
const MODELS = [
  "claude-opus-5-5",
  "claude-opus-4-8",
  "claude-fable-5-2",
  "claude-sonnet-5-5",
  "claude-haiku-5-5",
  "claude-sonnet-5-5-20260801",
];

interface Case {
  readonly name: string;
  readonly model: string;
  /** Further fields of the request. */
  readonly asks?: object;
  readonly counts: Partial<WireUsage>;
  readonly stopReason?: string;
  /** Default: 400. */
  readonly promptBytes?: number;
}

const CASES: readonly Case[] = [
  { name: "cache reads", model: "claude-opus-5-5", counts: { cache_read_input_tokens: 9701 } },
  {
    name: "5-minute writes",
    model: "claude-opus-4-8",
    counts: { cache_creation_input_tokens: 101 },
  },
  {
    name: "writes of both kinds",
    model: "claude-fable-5-2",
    asks: {
      system: [{ type: "text", text: "x", cache_control: { type: "ephemeral", ttl: "1h" } }],
    },
    counts: {
      cache_creation_input_tokens: 150,
      cache_creation: { ephemeral_5m_input_tokens: 77, ephemeral_1h_input_tokens: 73 },
    },
  },
  {
    name: "thinking",
    model: "claude-opus-5-5",
    asks: { thinking: { type: "adaptive" } },
    counts: { output_tokens: 641, output_tokens_details: { thinking_tokens: 600 } },
  },
  {
    name: "web search",
    model: "claude-sonnet-5-5",
    asks: { tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 3 }] },
    counts: { server_tool_use: { web_search_requests: 3, web_fetch_requests: 0 } },
  },
  {
    name: "inference in the US",
    model: "claude-haiku-5-5",
    asks: { inference_geo: "us" },
    counts: { input_tokens: 5, cache_read_input_tokens: 1, output_tokens: 1, inference_geo: "us" },
  },
  {
    name: "fast mode",
    model: "claude-opus-5-5",
    asks: { speed: "fast" },
    counts: { output_tokens: 33, cache_read_input_tokens: 77, speed: "fast" },
  },
  {
    name: "the short tier's last token",
    model: "claude-haiku-5-5",
    promptBytes: 120_000,
    counts: { input_tokens: 0, cache_read_input_tokens: 100_000 },
  },
  {
    name: "the long tier's first token",
    model: "claude-haiku-5-5",
    promptBytes: 120_000,
    counts: { input_tokens: 1, cache_read_input_tokens: 100_000 },
  },
  {
    name: "compaction and an advisor in iterations",
    model: "claude-opus-5-5",
    asks: {
      context_management: { edits: [{ type: "compact_20260112" }] },
      tools: [
        { type: "advisor_20260301", name: "advisor", model: "claude-fable-5-2", max_uses: 1 },
      ],
    },
    counts: {
      input_tokens: 23_000,
      output_tokens: 900,
      iterations: [
        { type: "compaction", input_tokens: 1800, output_tokens: 350 },
        { type: "message", input_tokens: 2300, output_tokens: 90, cache_read_input_tokens: 11 },
        { type: "advisor_message", model: "claude-fable-5-2", input_tokens: 17, output_tokens: 3 },
      ],
    },
  },
  {
    name: "a refusal before any output",
    model: "claude-opus-5-5",
    counts: { input_tokens: 700, output_tokens: 0 },
    stopReason: "refusal",
  },
  {
    name: "a refusal after some output",
    model: "claude-opus-5-5",
    counts: { input_tokens: 700, output_tokens: 9 },
    stopReason: "refusal",
  },
];

let desk: Desk;
before(async () => {
  desk = await startDesk({ plain: { budgets: [{ usd: "1000000", per: "total" }] } });
});
after(() => desk?.dispose());

/** Sends it whole or streamed, and compares the row with the bill's new line. */
async function assertBilled(
  { model, asks, counts, stopReason, promptBytes = 400 }: Case,
  stream: boolean,
): Promise<void> {
  const { bill } = desk.upstream;
  const known = bill.lines.length;
  const content = counts.output_tokens === 0 ? [] : text("some words").content;
  const answer: MessageAnswer = {
    kind: "message",
    content,
    usage: usage({ input_tokens: 10, output_tokens: 7, ...counts }),
    ...(stopReason === undefined ? {} : { stopReason }),
  };
  const messages = [{ role: "user", content: "x".repeat(promptBytes) }];
  const body = JSON.stringify({ model, max_tokens: 2000, messages, stream, ...asks });
  const got = await desk.ask("plain", { body }, answer);
  assert.equal(got.status, 200, got.body.toString("utf8"));
  const row = await desk.rowOf(got);
  const lines = bill.lines.slice(known);
  const billed = lines.reduce((sum, line) => sum + lineNano(line), 0n);
  assert.equal(nanoOf(row.cost_usd), billed, JSON.stringify(row));
  assert.deepEqual([row.estimated, row["price"], row.outcome], [false, "listed", "ok"]);
  if (counts.iterations === undefined) assertCounts(row.usage, answer.usage);
}

function assertCounts(seen: Readonly<Record<string, number>>, sent: WireUsage): void {
  const written = sent.cache_creation_input_tokens ?? 0;
  const long = sent.cache_creation?.ephemeral_1h_input_tokens ?? 0;
  assert.deepEqual(seen, {
    input_tokens: sent.input_tokens,
    output_tokens: sent.output_tokens,
    thinking_tokens: sent.output_tokens_details?.thinking_tokens ?? 0,
    cache_read_input_tokens: sent.cache_read_input_tokens ?? 0,
    cache_write_5m_input_tokens: written - long,
    cache_write_1h_input_tokens: long,
    web_search_requests: sent.server_tool_use?.web_search_requests ?? 0,
  });
}

for (const stream of [false, true]) {
  describe(stream ? "streamed" : "whole", () => {
    for (const each of CASES) test(each.name, () => assertBilled(each, stream));
  });
}

test(`${RANDOM_CASES} random usages, seed ${SEED}`, async () => {
  const random = randomOf(SEED);
  for (let index = 0; index < RANDOM_CASES; index++) {
    const long = integer(random, 0, 300);
    const short = integer(random, 0, 300);
    const counts = {
      input_tokens: integer(random, 0, 900),
      output_tokens: integer(random, 1, 2000),
      cache_read_input_tokens: integer(random, 0, 900),
      cache_creation_input_tokens: long + short,
      cache_creation: { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long },
    };
    const model = MODELS[integer(random, 0, MODELS.length - 1)] ?? "claude-opus-5-5";
    await assertBilled({ name: "random", model, counts }, random() < 0.5);
  }
});

test("nothing was charged above its hold, and the budget is the bill", async () => {
  const { adminUrl, adminToken } = desk.gateway;
  const headers = { authorization: `Bearer ${adminToken}` };
  const metrics = await (await fetch(`${adminUrl}/metrics`, { headers })).text();
  const overruns = /^tollgate_hold_overruns_total(?:\{.*\})? (\S+)$/m.exec(metrics);
  assert.equal(overruns?.[1], "0");
  const [budget] = await desk.gateway.budgets();
  assert.equal(nanoOf(budget?.settled_usd ?? "0"), desk.upstream.bill.totalNano);
});
