/** What goes wrong in each dialect: charged no less than the bill, and never shown as a whole answer. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nanoOf } from "../harness/bill.ts";
import { dialectNano } from "../harness/dialects/bill.ts";
import type { RequestRow } from "../harness/gateway.ts";
import { text, type Fault, type MessageAnswer } from "../harness/scripts.ts";
import { messageIn } from "./doors-answer.ts";
import { DOOR_MODEL, DOORS, startDoorDesk, type DoorCase, type DoorDesk } from "./doors-desk.ts";

const QUESTION = {
  model: DOOR_MODEL,
  max_tokens: 1000,
  messages: [{ role: "user", content: "Go on." }],
};
const ANSWER = text("x".repeat(480), { input_tokens: 20, output_tokens: 100 });
const FAULTS: readonly Fault[] = [
  { kind: "reset_before_head" },
  { kind: "reset", afterEvents: 0 },
  { kind: "reset", afterEvents: 6 },
  { kind: "early_end", afterEvents: 0 },
  { kind: "early_end", afterEvents: 6 },
  { kind: "half_frame", afterEvents: 6 },
  { kind: "error_event", afterEvents: 0, type: "overloaded_error" },
  { kind: "error_event", afterEvents: 6, type: "overloaded_error" },
];

let desk: DoorDesk;
before(async () => {
  desk = await startDoorDesk();
});
after(() => desk?.dispose());

for (const door of DOORS) {
  describe(door.id, () => {
    for (const fault of FAULTS)
      test(Object.values(fault).join(" "), () => assertBroken(door, fault));
    test("a whole answer that breaks off", () => assertCutWhole(door));
    for (const stream of [false, true])
      test(`no usage, ${stream ? "streamed" : "whole"}`, () => assertUncounted(door, stream));
  });
}

/** The newest row, once its request is over, and the newest line of the bill. */
async function charged(door: DoorCase, known: number): Promise<RequestRow> {
  const isOver = (rows: readonly RequestRow[]): boolean =>
    rows.length > known && rows[0]?.outcome !== null;
  const [row] = await desk.gateway.rows(isOver);
  const line = desk.upstream(door.id).bill.lines.at(-1);
  assert.ok(row !== undefined && line !== undefined);
  const nano = nanoOf(row.cost_usd);
  assert.ok(nano >= dialectNano(line), `settled ${nano}: ${JSON.stringify([row, line])}`);
  assert.equal(row["provider"], door.id);
  return row;
}

async function assertBroken(door: DoorCase, fault: Fault): Promise<void> {
  const known = (await desk.gateway.rows()).length;
  const asked = desk.ask(door.id, { ...QUESTION, stream: true }, { ...ANSWER, fault });
  const got = await asked.catch(() => null);
  const row = await charged(door, known);
  // Where nothing has come, the gateway says so itself.
  assert.ok(["upstream_error", "refused"].includes(String(row.outcome)), JSON.stringify(row));
  if (got === null) return;
  const shown = got.body.toString("utf8");
  assert.ok(!shown.includes("message_stop"), shown);
  if (got.status < 300) assert.match(shown, /event: error\n/);
}

async function assertCutWhole(door: DoorCase): Promise<void> {
  const known = (await desk.gateway.rows()).length;
  const broken: MessageAnswer = { ...ANSWER, fault: { kind: "short_body" } };
  const got = await desk.ask(door.id, QUESTION, broken).catch(() => null);
  assert.ok((await charged(door, known)).estimated);
  if (got !== null) assert.ok(got.status >= 500, String(got.status));
}

async function assertUncounted(door: DoorCase, stream: boolean): Promise<void> {
  const known = (await desk.gateway.rows()).length;
  const silent: MessageAnswer = { ...ANSWER, delivery: { omitUsage: true } };
  const got = await desk.ask(door.id, { ...QUESTION, stream }, silent);
  const row = await charged(door, known);
  assert.deepEqual([row.outcome, row.estimated], ["ok", true]);
  assert.deepEqual(messageIn(got).content, ANSWER.content);
}
