/**
 * The lever table: the real Claude Code before and after each lever, in tokens and dollars. How much less a
 * model thinks or writes is this script's answer, not a model's: what is shown is that the lever arrives, and
 * that the ledger agrees with the provider's bill about what it saves.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nanoOf, usdText } from "../harness/bill.ts";
import { claudeCodeBinary } from "../harness/claude-code.ts";
import type { RequestRow } from "../harness/gateway.ts";
import { billedSession, LEVERS_DONE } from "../harness/scripts-levers.ts";
import type { ReceivedRequest } from "../harness/upstream-request.ts";
import { runClaudeCode, workspace, type Workspace } from "./claude-code-run.ts";
import { secretOf } from "./desk.ts";
import { startLeversDesk, type LeversDesk } from "./levers-desk.ts";

const OPUS = "claude-opus-5-5";
const SONNET = "claude-sonnet-5-5";
const HAIKU = "claude-haiku-5-5";

const binary = claudeCodeBinary();
const missing = "the package @anthropic-ai/claude-code-linux-x64 is not installed";
// In CI a missing binary fails the tests by its name instead of passing over them.
const skip = binary === null && process.env["CI"] !== "true" ? missing : false;

/** How the client is run; two runs that are compared are run alike. */
interface Client {
  readonly model: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly settings?: object;
}

const CLIENTS = {
  coding: {
    model: OPUS,
    env: { CLAUDE_CODE_EFFORT_LEVEL: "max", ENABLE_PROMPT_CACHING_1H: "1" },
  },
  budgeted: { model: "claude-opus-4-5", env: { MAX_THINKING_TOKENS: "20000" } },
  fast: { model: OPUS, settings: { fastMode: true } },
  long: { model: "claude-opus-4-6[1m]" },
} as const satisfies Record<string, Client>;

interface Sent {
  readonly body: Readonly<Record<string, unknown>>;
  readonly request: ReceivedRequest;
}

interface LeverCase {
  /** Of the virtual key. */
  readonly id: string;
  readonly client: keyof typeof CLIENTS;
  readonly levers: object;
  /** Whether the upstream was asked for what the lever leaves; of all requests of a run. */
  readonly arrived: (sent: readonly Sent[]) => boolean;
  /** The client is told no. */
  readonly refuses?: true;
  /** What the bill does; `less` unless it says otherwise. */
  readonly bill?: "same" | "more";
}

const classOf = ({ request }: Sent): unknown => request.headers["x-claude-code-request-class"];
const ofClass = (sent: readonly Sent[], name: string) =>
  sent.filter((each) => classOf(each) === name);

const LEVERS: readonly LeverCase[] = [
  {
    id: "thinking",
    client: "budgeted",
    levers: { thinking_budget_max: 4096 },
    arrived: (sent) =>
      ofClass(sent, "main").every(
        ({ body }) => (body["thinking"] as { budget_tokens: number }).budget_tokens === 4096,
      ),
  },
  {
    id: "effort",
    client: "coding",
    levers: { effort_max: "medium" },
    arrived: (sent) =>
      sent.every(({ body }) => (body["output_config"] as { effort: string }).effort === "medium"),
  },
  {
    id: "max_tokens",
    client: "coding",
    levers: { max_tokens: 16_000 },
    arrived: (sent) => sent.every(({ body }) => body["max_tokens"] === 16_000),
    // The report is as long as it is: the client asks for the rest, and sends all of it again.
    bill: "more",
  },
  {
    id: "cache_ttl",
    client: "coding",
    levers: { cache_ttl: "5m" },
    arrived: (sent) => sent.every(({ request }) => !request.body.includes('"ttl":"1h"')),
  },
  {
    id: "background",
    client: "coding",
    levers: { background_model: HAIKU },
    arrived: (sent) => ofClass(sent, "auxiliary").every(({ body }) => body["model"] === HAIKU),
  },
  {
    id: "subagent",
    client: "coding",
    levers: { subagent_model: SONNET },
    arrived: (sent) => ofClass(sent, "subagent").every(({ body }) => body["model"] === SONNET),
  },
  {
    id: "models",
    client: "coding",
    levers: { models: { "claude-opus-*": SONNET } },
    arrived: (sent) => sent.every(({ body }) => body["model"] === SONNET),
  },
  {
    id: "betas",
    client: "coding",
    levers: { strip_betas: ["thinking-token-count-*"] },
    arrived: (sent) =>
      sent.every(
        ({ request }) => !String(request.headers["anthropic-beta"]).includes("token-count"),
      ),
    bill: "same",
  },
  {
    id: "searches",
    client: "coding",
    levers: { web_search_max_uses: 2 },
    arrived: (sent) =>
      ofClass(sent, "auxiliary").every(
        ({ body }) => (body["tools"] as [{ max_uses: number }])[0].max_uses === 2,
      ),
  },
  {
    id: "fast",
    client: "fast",
    levers: { fast_mode: "strip" },
    arrived: (sent) => sent.every(({ body }) => body["speed"] === undefined),
  },
  {
    id: "fastrefused",
    client: "fast",
    levers: { fast_mode: "refuse" },
    arrived: (sent) => sent.every(({ body }) => body["speed"] === undefined),
    refuses: true,
  },
  {
    id: "long",
    client: "long",
    levers: { long_context: "refuse" },
    arrived: (sent) => sent.length === 0,
    refuses: true,
  },
];

/** Levers that the client can be told of. */
const SETTLED = {
  effort_max: "medium",
  max_tokens: 64_000,
  cache_ttl: "5m",
  subagent_model: SONNET,
  fast_mode: "strip",
};

interface Run {
  readonly sent: readonly Sent[];
  readonly rows: readonly RequestRow[];
  readonly nano: bigint;
  readonly output: string;
}

describe("levers under the real Claude Code", { skip }, () => {
  let desk: LeversDesk;
  let place: Workspace;
  const befores = new Map<string, Run>();

  before(async () => {
    const keys = [
      ...Object.keys(CLIENTS).map((id) => [`before${id}`, {}] as const),
      ...LEVERS.map(({ id, levers }) => [id, levers] as const),
      ["settled", SETTLED] as const,
    ];
    desk = await startLeversDesk(Object.fromEntries(keys));
    place = await workspace();
  });
  after(async () => {
    await desk?.dispose();
    await place?.dispose();
  });

  async function runWith(key: string, client: Client): Promise<Run> {
    assert.ok(binary !== null, missing);
    const { passing, gateway } = desk;
    passing.answerWith(billedSession());
    const [requests, billed] = [passing.messages().length, passing.bill.totalNano];
    const { stdout, stderr } = await runClaudeCode({
      binary,
      baseUrl: `${gateway.url}/anthropic`,
      key: secretOf(key),
      ...place,
      ...client,
      prompt: "Write the report.",
    });
    const sent = passing
      .messages()
      .slice(requests)
      .map((request) => ({ body: request.json(), request }));
    const own = (row: RequestRow): boolean => row.virtual_key === key && row.task_type !== "count";
    const all = await gateway.rows((rows) => rows.filter(own).length >= Math.max(1, sent.length));
    const rows = all.filter(own);
    const nano = passing.bill.totalNano - billed;
    const booked = rows.reduce((sum, row) => sum + nanoOf(row.cost_usd), 0n);
    assert.equal(booked, nano, `the ledger and the bill of ${key}`);
    return { sent, rows, nano, output: `${stdout}${stderr}` };
  }

  async function beforeOf(client: keyof typeof CLIENTS): Promise<Run> {
    const known = befores.get(client);
    if (known !== undefined) return known;
    const run = await runWith(`before${client}`, CLIENTS[client]);
    assert.ok(run.output.includes(LEVERS_DONE), run.output);
    befores.set(client, run);
    return run;
  }

  for (const lever of LEVERS) {
    test(`${Object.keys(lever.levers).join()}: ${lever.id}`, async (context) => {
      const was = await beforeOf(lever.client);
      assert.equal(lever.arrived(was.sent), false, "the client asks for more by itself");
      const is = await runWith(lever.id, CLIENTS[lever.client]);
      assert.ok(lever.arrived(is.sent), JSON.stringify(is.rows, null, 1));
      if (lever.refuses === true) {
        const [row] = is.rows;
        assert.equal(row?.refusal, "request_not_allowed");
        assert.match(is.output, /not allowed for key/);
      } else {
        assert.ok(is.output.includes(LEVERS_DONE), is.output);
        const changes = is.rows.flatMap((row) => row["levers"] as { lever: string }[]);
        const [name] = Object.keys(lever.levers);
        assert.ok(changes.some((change) => change.lever === name));
      }
      assertBill(lever.bill ?? "less", was.nano, is.nano);
      context.diagnostic(lineOf(lever.levers, was, is));
    });
  }

  test("a client with the settings of claude-settings asks for what the levers leave", async () => {
    const { gateway } = desk;
    const printed = await gateway.cli("claude-settings", "--key", "settled", "--url", gateway.url);
    const settings = { ...(JSON.parse(printed.output) as object), fastMode: true };
    const { rows, sent, output } = await runWith("settled", { ...CLIENTS.coding, settings });
    assert.ok(output.includes(LEVERS_DONE), output);
    assert.ok(sent.length > 4);
    for (const row of rows) assert.deepEqual(row["levers"], [], row.task_type);
  });
});

/** Prompts of two runs differ by a few bytes: the folder's name, the time. */
const SAME_WITHIN = 100n;

function assertBill(expected: "less" | "same" | "more", was: bigint, is: bigint): void {
  if (expected === "same")
    assert.ok((is - was) ** 2n < (was / SAME_WITHIN) ** 2n, `${is} = ${was}`);
  if (expected === "less") assert.ok(is < was, `${is} < ${was}`);
  if (expected === "more") assert.ok(is > was, `${is} > ${was}`);
}

/** "effort_max: medium · 6 requests, 101 in, 52 out, $1.2 → …". */
function lineOf(levers: object, was: Run, is: Run): string {
  const name = JSON.stringify(levers).slice(1, -1).replaceAll('"', "");
  return `${name} · ${figuresOf(was)} → ${figuresOf(is)}`;
}

function figuresOf({ rows, nano }: Run): string {
  const sum = (...fields: readonly string[]) =>
    rows.reduce(
      (all, { usage }) => all + fields.reduce((n, field) => n + (usage[field] ?? 0), 0),
      0,
    );
  const input = sum(
    "input_tokens",
    "cache_read_input_tokens",
    "cache_write_5m_input_tokens",
    "cache_write_1h_input_tokens",
  );
  return `${rows.length} requests, ${input} in, ${sum("output_tokens")} out, $${usdText(nano)}`;
}
