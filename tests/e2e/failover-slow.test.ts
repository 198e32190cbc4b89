/** A stream that waits long for its first content learns that it was accepted; then errors are events. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { apiError } from "../harness/scripts.ts";
import { startFailOverDesk, type FailOverDesk } from "./failover-desk.ts";

/** Longer than the gateway keeps the head back: 10 s. */
const SLOW_MS = 10_500;

describe("a stream whose first content takes longer than 10 s", { concurrency: true }, () => {
  let desk: FailOverDesk;
  before(async () => {
    desk = await startFailOverDesk({
      providers: ["late", "later", "slow", "whole"].map((id) => ({ id })),
      keys: {
        failing: { uses: ["late", "later"] },
        saved: { uses: ["slow", "spare"] },
        whole: { uses: ["whole"] },
      },
    });
    const slowly = { ...apiError(400, "invalid_request_error", "no"), headDelayMs: SLOW_MS };
    desk.answers.set("late", { ...apiError(404, "not_found_error", "none"), headDelayMs: SLOW_MS });
    desk.answers.set("later", apiError(400, "invalid_request_error", "too much of it"));
    desk.answers.set("slow", { ...apiError(529, "overloaded_error", "no"), headDelayMs: SLOW_MS });
    desk.answers.set("whole", slowly);
  });
  after(() => desk?.dispose());

  test("gets its head and a ping, and the failure of all as an event", async () => {
    const answer = await desk.ask("failing", { stream: true });
    assert.equal(answer.status, 200);
    assert.match(String(answer.headers["content-type"]), /^text\/event-stream/);
    const [ping, error, rest] = eventsOf(answer.body);
    assert.deepEqual(ping, { type: "ping" });
    assert.deepEqual(error, {
      type: "error",
      error: { type: "invalid_request_error", message: "too much of it" },
      request_id: answer.headers["tollgate-request-id"],
    });
    assert.equal(rest, undefined);
    const row = await desk.detailOf(answer);
    assert.deepEqual([row.outcome, row.status, row.attempts.length], ["upstream_error", 200, 2]);
  });

  test("is served by the next provider all the same", async () => {
    const answer = await desk.ask("saved", { stream: true });
    assert.equal(answer.status, 200);
    const types = eventsOf(answer.body).map((event) => (event as { type: string }).type);
    assert.deepEqual([types[0], types[1], types.at(-1)], ["ping", "message_start", "message_stop"]);
    assert.match(answer.body.toString("utf8"), /from the spare/);
    const row = await desk.detailOf(answer);
    assert.deepEqual([row.outcome, row.status, row.provider], ["ok", 200, "spare"]);
  });

  test("is not told anything where it asked for a whole answer", async () => {
    const answer = await desk.ask("whole");
    assert.equal(answer.status, 400);
    assert.equal((answer.json() as { type: string }).type, "error");
  });
});

function eventsOf(body: Buffer): readonly unknown[] {
  return body
    .toString("utf8")
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => JSON.parse(line.slice(6)) as unknown);
}
