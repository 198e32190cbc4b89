/** A disk without room for a while: requests are refused, no outcome is lost, and service resumes by itself. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { until, type RequestRow } from "../harness/gateway.ts";
import type { ErrorEnvelope, RawAnswer } from "../harness/raw-request.ts";
import { soundAnswer, startLife, type Life } from "./life.ts";
import { assertRebuilt } from "./rebuilt.ts";
import { ask } from "./script.ts";

const SLOW_WORDS = 200;
const EVENT_DELAY_MS = 20;

function assertUnavailable(answer: RawAnswer | null): void {
  assert.ok(answer !== null);
  const { error } = answer.json() as ErrorEnvelope;
  const seen = [answer.status, error.type, answer.headers["retry-after"]];
  assert.deepEqual(seen, [503, "api_error", "5"], error.message);
}

describe("a full disk", () => {
  let life: Life;

  before(async () => {
    life = await startLife();
  });
  beforeEach(() => life.upstream.answerWith(() => soundAnswer(SLOW_WORDS, EVENT_DELAY_MS)));
  afterEach(() => life.desk.set({}));
  after(() => life.dispose());

  /** Three streams that run while the disk fills up. */
  async function streamsBegin(): Promise<Promise<RawAnswer | null>[]> {
    const lines = life.upstream.bill.lines.length;
    const answers = Array.from({ length: 3 }, () => ask(life, "running", { stream: true }));
    await until(
      "the streams run",
      () => life.upstream.bill.lines.length === lines + answers.length,
    );
    return answers;
  }

  async function resumes(): Promise<void> {
    life.upstream.answerWith(() => soundAnswer());
    await until("it serves again", async () => (await ask(life, "resumed", {}))?.status === 200);
    const ready = await fetch(`${life.gateway.url}/health/ready`);
    assert.equal(ready.status, 200, await ready.text());
  }

  /** The rows of whole answers that ran meanwhile: exact, as if nothing had been. */
  async function assertExact(answers: readonly (RawAnswer | null)[]): Promise<void> {
    const ids = answers.map((answer) => answer?.headers["tollgate-request-id"]);
    const rows = await life.gateway.rows((all) =>
      ids.every((id) => all.some((row) => row.id === id)),
    );
    const mine = rows.filter((row: RequestRow) => ids.includes(row.id));
    const seen = mine.map(({ outcome, estimated }) => ({ outcome, estimated }));
    assert.deepEqual(
      seen,
      answers.map(() => ({ outcome: "ok", estimated: false })),
    );
  }

  for (const full of ["full", "worse"] as const) {
    const how = full === "full" ? "the reserve holds" : "not even the reserve's room is there for";
    test(`${how} the outcomes of what runs`, async () => {
      const running = await streamsBegin();
      life.desk.set({ full });
      assertUnavailable(await ask(life, "refused", { stream: true }));
      assertUnavailable(await ask(life, "refused", {}));
      const ready = await fetch(`${life.gateway.url}/health/ready`);
      assert.equal(ready.status, 503, await ready.text());
      const answers = await Promise.all(running);
      assertUnavailable(await ask(life, "refused", {}));
      life.desk.set({});
      await resumes();
      await assertExact(answers);
      await life.books.check(`the disk was ${full}`);
    });
  }

  test("a kill, and a start while there is still no room", async () => {
    const running = await streamsBegin();
    await life.dieOf({ full: "full" }, async () => {
      assertUnavailable(await ask(life, "refused", {}));
    });
    await Promise.all(running);
    life.books.verify("killed on a full disk");
    life.desk.set({ full: "full" });
    await startUnready(life);
    assertUnavailable(await ask(life, "refused", {}));
    life.desk.set({});
    await resumes();
    await life.books.check("started on a full disk");
    await assertRebuilt(life);
  });
});

/** A gateway that serves nothing yet is not ready, so that the harness would wait in vain. */
async function startUnready(life: Life): Promise<void> {
  const starting = life.start();
  await until("it listens", async () => {
    const live = await fetch(`${life.gateway.url}/health/live`).catch(() => null);
    await live?.arrayBuffer();
    return live?.status === 200;
  });
  assertUnavailable(await ask(life, "refused", {}));
  life.desk.set({});
  assert.ok(await starting);
  life.desk.set({ full: "full" });
}
