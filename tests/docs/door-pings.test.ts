/** While a door that sends no pings is silent in mid-answer, the client gets pings of the gateway's. */
import assert from "node:assert/strict";
import { request, type IncomingMessage } from "node:http";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { DOOR_MODEL, DOORS, startDoorDesk, type DoorDesk } from "../e2e/doors-desk.ts";
import { secretOf } from "../e2e/desk.ts";
import { text } from "../harness/scripts.ts";

/** The gateway's own come in the first 15 s in which nothing else has. */
const PATIENCE_MS = 120_000;
const QUESTION = {
  model: DOOR_MODEL,
  max_tokens: 500,
  stream: true,
  messages: [{ role: "user", content: "Think long." }],
};
const SILENT = {
  ...text("An answer that is far longer than a few pieces of a stream. ".repeat(20)),
  fault: { kind: "stall", afterEvents: 6 },
} as const;

/** The stream up to what is looked for; then the client hangs up. */
async function readUntil(desk: DoorDesk, key: string, wanted: string): Promise<string> {
  const headers = { "x-api-key": secretOf(key), "content-type": "application/json" };
  const asking = request(`${desk.gateway.url}/v1/messages`, { method: "POST", headers });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    asking.once("response", resolve).once("error", reject);
    asking.end(JSON.stringify(QUESTION));
  });
  const giveUp = new AbortController();
  const late = delay(PATIENCE_MS, "late", { signal: giveUp.signal }).catch(() => "late");
  let said = "";
  const read = new Promise<string>((resolve) => {
    answer.setEncoding("utf8").on("data", (piece: string) => {
      said += piece;
      if (said.includes(wanted)) resolve(said);
    });
    answer.once("close", () => resolve(said));
  });
  await Promise.race([read, late]);
  giveUp.abort();
  answer.destroy();
  return said;
}

describe("a silent model", { concurrency: true }, () => {
  let desk: DoorDesk;
  before(async () => {
    desk = await startDoorDesk();
    for (const { id } of DOORS) desk.upstream(id).answerWith(() => SILENT);
  });
  after(() => desk?.dispose());

  for (const { id } of DOORS)
    test(`${id} is silent, and pings come`, async () => {
      const said = await readUntil(desk, id, "event: ping");
      const [before = "", ...pings] = said.split('event: ping\ndata: {"type": "ping"}\n\n');
      assert.match(before, /event: content_block_delta/);
      assert.equal(pings.length, 1, said);
      assert.ok(before.endsWith("\n\n"), "between two events");
    });
});
