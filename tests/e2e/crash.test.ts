/** kill -9 under load, again and again: every billed request is on the books once, and the chain holds. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { lineNano, nanoOf, usdText } from "../harness/bill.ts";
import { settledRows, startGateway, until, type Gateway } from "../harness/gateway.ts";
import { ADA_KEY, SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { integer, randomAnswer, randomOf } from "../harness/scripts-random.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { inParallel, sendLoad } from "./load.ts";

const SEED = Number(process.env["TOLLGATE_SEED"] ?? Date.now() % 1_000_000);
const KILLS = Number(process.env["TOLLGATE_KILLS"] ?? 10);
/** Of an answer, at most: what the upstream bills stays within its own count and the margin on it. */
const INPUT_TOKENS = 1000;
const AT_ONCE = 24;
const MAX_TOKENS = 60;

describe(`${KILLS} times kill -9 under load, seed ${SEED}`, () => {
  const random = randomOf(SEED);
  let upstream: Upstream;
  let gateway: Gateway;
  let sent = 0;

  before(async () => {
    upstream = await startUpstream((request) =>
      randomAnswer(random, { inputTokens: INPUT_TOKENS, faults: 0.03 }, request),
    );
    const budgets = {
      team: [{ usd: "100000", per: "month" }],
      key: [{ usd: "100000", per: "total" }],
    };
    gateway = await startGateway({
      config: smallConfig(upstream.url, { budgets }),
      env: SMALL_ENV,
    });
  });
  after(async () => {
    await gateway?.dispose();
    await upstream?.stop();
  });

  /** Sends until the gateway is gone; each request is a session of its own. */
  async function loadUntilDead(): Promise<void> {
    let dead = false;
    const load = inParallel(AT_ONCE, () => {
      if (dead) return null;
      const session = `s${sent++}`;
      return sendLoad(gateway.url, {
        key: ADA_KEY,
        session,
        stream: random() < 0.7,
        maxTokens: MAX_TOKENS,
        hangUpMs: null,
      });
    });
    await delay(integer(random, 20, 500));
    await gateway.kill9();
    dead = true;
    await load;
  }

  test(
    "each time the chain verifies, and the gateway comes up again",
    { timeout: KILLS * 20_000 },
    async () => {
      for (let kill = 0; kill < KILLS; kill++) {
        await loadUntilDead();
        const verified = await gateway.cli("audit", "verify", gateway.dataDir);
        assert.equal(verified.code, 0, `after kill ${kill}: ${verified.output}`);
        await gateway.restart();
      }
      await until("the upstream is idle", () => upstream.inFlight() === 0);
      assert.ok(
        upstream.bill.lines.length > KILLS,
        `${upstream.bill.lines.length} requests were billed`,
      );
    },
  );

  test("no billed request is missing, none doubled, no estimate below the bill", async () => {
    const rows = await settledRows(gateway);
    const bySession = Map.groupBy(rows, (row) => row.session);
    for (const line of upstream.bill.lines) {
      const [row, ...more] = bySession.get(line.session) ?? [];
      assert.ok(row !== undefined, `no row for ${line.session}, billed ${lineNano(line)}`);
      assert.equal(more.length, 0, `${line.session} has ${more.length + 1} rows`);
      const [cost, billed] = [nanoOf(row.cost_usd), lineNano(line)];
      const agrees = row.estimated ? cost >= billed : cost === billed;
      assert.ok(agrees, `billed ${billed}, ${line.state}: ${JSON.stringify(row)}`);
    }
    const billed = new Set(upstream.bill.lines.map((line) => line.session));
    const invented = rows.filter(
      (row) => !billed.has(row.session) && !row.estimated && row.cost_usd !== "0",
    );
    assert.deepEqual(invented, []);
    assert.ok(
      rows.some((row) => row.outcome === "interrupted"),
      "some request was cut by a kill",
    );
  });

  test("the budgets are the sum of the rows, now and after a rebuild", async () => {
    const rows = await settledRows(gateway);
    const sum = usdText(rows.reduce((total, row) => total + nanoOf(row.cost_usd), 0n));
    const settled = async (): Promise<string[]> =>
      (await gateway.budgets()).map((budget) => budget.settled_usd);
    assert.deepEqual(await settled(), [sum, sum]);
    assert.equal(await gateway.stop(), 0);
    await gateway.restart();
    assert.deepEqual(await settled(), [sum, sum]);
    assert.equal((await settledRows(gateway)).length, rows.length);
    const verified = await gateway.cli("audit", "verify", gateway.dataDir);
    assert.equal(verified.code, 0, verified.output);
  });
});
