/** Doors whose format another door has: their own addresses, credentials and headers, and the same answers. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nanoOf } from "../harness/bill.ts";
import { dialectNano } from "../harness/dialects/bill.ts";
import { COUNTED_TOKENS, dialectError } from "../harness/dialects/upstream.ts";
import { UPSTREAM_KEY } from "../harness/gateway-config.ts";
import type { RawAnswer } from "../harness/raw-request.ts";
import { text, toolCalls, withThinking } from "../harness/scripts.ts";
import { messageIn } from "../e2e/doors-answer.ts";
import {
  askGateway,
  DOOR_MODEL,
  startDoorDesk,
  type DoorCase,
  type DoorDesk,
} from "../e2e/doors-desk.ts";

interface Sibling extends DoorCase {
  /** As the upstream must see it. */
  readonly path: string;
  readonly header: readonly [name: string, value: string];
  /** It counts input for nothing. */
  readonly counts: boolean;
}

const SIBLINGS: readonly Sibling[] = [
  {
    id: "platform",
    format: "anthropic-messages",
    provider: {
      kind: "claude-platform-aws",
      settings: { region: "us-east-1", workspace: "wrkspc_test" },
    },
    model: DOOR_MODEL,
    path: "/v1/messages",
    header: ["anthropic-workspace-id", "wrkspc_test"],
    counts: true,
  },
  {
    id: "azure",
    format: "openai-responses",
    provider: {
      kind: "azure-openai",
      settings: { resource: "tests" },
      models: { "claude-*": "gpt-5.6-terra" },
    },
    model: "gpt-5.6-terra",
    credential: ["api-key", UPSTREAM_KEY],
    path: "/openai/v1/responses",
    header: ["api-key", UPSTREAM_KEY],
    counts: false,
  },
];
const QUESTION = {
  model: DOOR_MODEL,
  max_tokens: 2000,
  messages: [{ role: "user", content: "What is in the file?" }],
};
const READ = { name: "Read", input_schema: { type: "object", properties: {} } };
const THOUGHT = "First the file.";

describe("doors of one format", () => {
  let desk: DoorDesk;
  before(async () => {
    desk = await startDoorDesk(SIBLINGS);
  });
  after(() => desk?.dispose());

  async function assertBilled(door: Sibling, answer: RawAnswer): Promise<void> {
    const row = await desk.rowOf(answer);
    const line = desk.upstream(door.id).bill.lines.at(-1);
    assert.ok(line !== undefined);
    assert.deepEqual([row.outcome, row.estimated], ["ok", false]);
    assert.equal(nanoOf(row.cost_usd), dialectNano(line));
  }

  for (const door of SIBLINGS) {
    test(`${door.id}: an answer, whole and streamed`, async () => {
      for (const stream of [false, true]) {
        const answer = text("The file is empty.", { cache_read_input_tokens: 900 });
        const got = await desk.ask(door.id, { ...QUESTION, stream }, answer);
        assert.deepEqual(messageIn(got).content, [{ type: "text", text: "The file is empty." }]);
        const seen = desk.upstream(door.id).requests.at(-1);
        assert.deepEqual([seen?.model, seen?.stream], [door.model, stream]);
        assert.equal(seen?.received.url, door.path);
        const [name, value] = door.header;
        assert.equal(seen?.received.headers[name], value);
        assert.equal((await desk.rowOf(got)).usage.cache_read_input_tokens, 900);
        await assertBilled(door, got);
      }
      assert.deepEqual(desk.upstream(door.id).refused, []);
    });

    test(`${door.id}: thinking and two calls, and both come back`, async () => {
      const calls = toolCalls([
        ["toolu_1", "Read", { path: "a" }],
        ["toolu_2", "Read", { path: "b" }],
      ]);
      const asks = { ...QUESTION, stream: true, tools: [READ], thinking: { type: "adaptive" } };
      const first = messageIn(await desk.ask(door.id, asks, withThinking(calls, THOUGHT)));
      assert.deepEqual(
        first.content.map(({ name, type }) => name ?? type),
        ["thinking", "Read", "Read"],
      );
      const results = first.content
        .filter(({ type }) => type === "tool_use")
        .map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: `result of ${id}` }));
      const messages = [
        ...QUESTION.messages,
        { role: "assistant", content: first.content },
        { role: "user", content: results },
      ];
      const got = await desk.ask(door.id, { ...asks, messages }, text("Done."));
      assert.deepEqual(messageIn(got).content, [{ type: "text", text: "Done." }]);
      const seen = desk.upstream(door.id).requests.at(-1);
      assert.equal(seen?.signatures.length, 1);
      assert.deepEqual(
        seen?.toolResults.map((result) => result.text),
        results.map(({ content }) => content),
      );
      assert.deepEqual(desk.upstream(door.id).refused, []);
    });

    test(`${door.id}: an error in the words of the Messages API`, async () => {
      const error = dialectError(door.format, 429, { message: "too many" });
      const got = await desk.ask(door.id, { ...QUESTION, stream: true }, error);
      assert.equal(got.status, 429);
      assert.match(got.body.toString("utf8"), /"rate_limit_error".*too many/);
      assert.equal((await desk.rowOf(got)).cost_usd, "0");
    });

    test(`${door.id}: a count`, async () => {
      const { max_tokens: _, ...body } = QUESTION;
      const got = await askGateway(desk.gateway, door.id, body, "/v1/messages/count_tokens");
      assert.equal(got.status, 200, got.body.toString("utf8"));
      const { input_tokens: tokens } = got.json() as { readonly input_tokens: number };
      assert.equal(tokens === COUNTED_TOKENS, door.counts);
      assert.equal(got.headers["tollgate-estimated"], door.counts ? undefined : "input_tokens");
    });
  }
});
