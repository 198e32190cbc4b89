/** SIGTERM drains, a second signal does not wait, and a data directory has one gateway. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startGateway, until, type Gateway } from "../harness/gateway.ts";
import { ADA_KEY, SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { text } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { sendLoad } from "./load.ts";

const LOAD = { key: ADA_KEY, session: "s", stream: true, maxTokens: 100, hangUpMs: null };

describe("the gateway's process", () => {
  let upstream: Upstream;
  let gateway: Gateway;

  beforeEach(async () => {
    upstream = await startUpstream(() => ({
      ...text("x".repeat(720)),
      delivery: { eventDelayMs: 25 },
    }));
    gateway = await startGateway({ config: smallConfig(upstream.url), env: SMALL_ENV });
  });
  afterEach(async () => {
    await gateway.dispose();
    await upstream.stop();
  });

  test("SIGTERM lets a running stream end, then exits with 0", async () => {
    const answer = sendLoad(gateway.url, LOAD);
    await until("the stream runs", () => upstream.bill.lines[0]?.state === "open");
    const code = gateway.stop();
    assert.match(String((await answer)?.body), /event: message_stop/);
    assert.equal(await code, 0, gateway.logs());
    await gateway.restart();
    const [row] = await gateway.rows((rows) => rows.length === 1);
    assert.deepEqual([row?.outcome, row?.estimated], ["ok", false]);
  });

  test("a second SIGTERM cuts the drain short, and the cut stream is charged", async () => {
    upstream.answerWith(() => ({ ...text("x".repeat(72_000)), delivery: { eventDelayMs: 25 } }));
    const answer = sendLoad(gateway.url, LOAD);
    await until("the stream runs", () => upstream.bill.lines[0]?.state === "open");
    const code = gateway.stop();
    // Two signals at the same instant would arrive as one.
    await delay(200);
    gateway.process().kill("SIGTERM");
    assert.equal(await code, 0, gateway.logs());
    await answer;
    await gateway.restart();
    const [row] = await gateway.rows((rows) => rows.length === 1);
    assert.deepEqual([row?.outcome, row?.estimated], ["interrupted", true]);
  });

  test("a second gateway on the same data is refused and told of the first", async () => {
    const env = { ...SMALL_ENV, TOLLGATE_DATA_DIR: gateway.dataDir };
    const second = startGateway({ config: smallConfig(upstream.url), env });
    await assert.rejects(second, { message: new RegExp(`\\b${gateway.process().pid}\\b`) });
    assert.ok((await sendLoad(gateway.url, LOAD))?.status, "the first one goes on");
  });
});
