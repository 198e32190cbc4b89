/** SIGKILL at random calls and moments under load, with hang-ups, reloads and new keys in between. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inParallel, sendLoad } from "../e2e/load.ts";
import { ADA_KEY } from "../harness/gateway-config.ts";
import { until } from "../harness/gateway.ts";
import { integer, randomAnswer, randomOf, type Random } from "../harness/scripts-random.ts";
import { pointName, type KillPoint } from "./faults.ts";
import { startHouse, type House, type Tenant } from "./house.ts";
import { isDeadWithin } from "./life.ts";
import { LIFE_ENV } from "./life-config.ts";
import { makeKey } from "./script.ts";

const SEED = Number(process.env["TOLLGATE_SEED"] ?? Date.now() % 1_000_000);
/** Deaths of a gateway: those that share a process die in different states, each with books of its own. */
const KILLS = Number(process.env["TOLLGATE_KILLS"] ?? 200);
const TENANTS = 10;
const AT_ONCE = 3;
const MAX_TOKENS = 60;
const WRITES_MAX = 200;
const BILLED_MAX = 80;
/** After as many requests, the process is within this long of its end. */
const MORE_MS_MAX = 30;
/** No fault takes longer to come; a process that lives on is killed then. */
const PATIENCE_MS = 10_000;
/** Kills between two looks at all books. */
const CHECK_EVERY = 5;

/** A write of the journal or a sync at some distance; null: some moment, wherever the process is. */
function randomPoint(random: Random): KillPoint | null {
  const moment = (["before", "torn", "after"] as const)[integer(random, 0, 2)] ?? "before";
  const torn = moment === "torn" ? { tornShare: random() } : {};
  switch (integer(random, 0, 5)) {
    case 0:
      return null;
    case 1:
      return { operation: "sync", file: "segment", nth: 1, moment: "after" };
    default: {
      const nth = integer(random, 1, WRITES_MAX);
      return { operation: "write", file: "segment", nth, moment, ...torn };
    }
  }
}

/** Each request is a session of its own. */
function sendOne(tenant: Tenant, random: Random): Promise<void> {
  const session = tenant.session("load");
  const key = random() < 0.1 ? LIFE_ENV.BOB_KEY : ADA_KEY;
  const hangUpMs = random() < 0.1 ? integer(random, 1, 40) : null;
  const stream = random() < 0.7;
  const load = { key, session, stream, maxTokens: MAX_TOKENS, hangUpMs };
  return sendLoad(tenant.gateway.url, load).then((answer) =>
    tenant.books.noteAnswer(session, answer),
  );
}

/** Load on all of them, with a reload and a new key somewhere in it, until the process is gone. */
async function loadUntilDead(house: House, random: Random, atFault: boolean): Promise<void> {
  let ended = false;
  const work = house.tenants.map(async (tenant) => {
    tenant.upstream.answerWith((request) =>
      randomAnswer(random, { inputTokens: 1000, faults: 0.1 }, request),
    );
    const load = inParallel(AT_ONCE, () => (ended ? null : sendOne(tenant, random)));
    await Promise.all([load, random() < 0.3 ? makeKey(tenant) : null]);
  });
  if (random() < 0.3) house.process.process().kill("SIGHUP");
  if (atFault) await isDeadWithin(house.process, PATIENCE_MS);
  else await someMoment(house, random);
  await house.process.kill9();
  ended = true;
  await Promise.all(work);
  await house.end();
}

/** Once some requests more are billed: how fast the machine is does not matter. */
async function someMoment(house: House, random: Random): Promise<void> {
  const billed = billedIn(house) + integer(random, 1, BILLED_MAX);
  await until("requests are billed", () => billedIn(house) >= billed);
  await delay(integer(random, 0, MORE_MS_MAX));
}

function billedIn({ tenants }: House): number {
  return tenants.reduce((sum, { upstream }) => sum + upstream.bill.lines.length, 0);
}

/** One kill, sometimes another one on the way up, and the start. @returns how many. */
async function dieAndStart(house: House, random: Random): Promise<number> {
  const kill = randomPoint(random);
  const name = kill === null ? "a random moment" : pointName(kill);
  if (kill !== null) house.desk.set({ kill });
  await loadUntilDead(house, random, kill !== null);
  for (const { books } of house.tenants) books.verify(`${name}, before the start`);
  if (random() < 0.3) removeViews(house.tenants.slice(integer(random, 0, TENANTS - 1)));
  const again = random() < 0.4 && (await diesInRecovery(house, random));
  assert.ok(await house.start());
  return again ? 2 : 1;
}

/** The start that mends things dies, too, where it comes that far. */
async function diesInRecovery(house: House, random: Random): Promise<boolean> {
  const operation = (["truncate", "sync", "rename", "write"] as const)[integer(random, 0, 3)];
  if (operation === undefined) return false;
  const nth = integer(random, 1, 3 * house.tenants.length);
  house.desk.set({ kill: { operation, file: null, nth, moment: "after" } });
  const died = !(await house.start());
  await house.end();
  for (const { books } of house.tenants) books.verify("in a recovery");
  return died;
}

function removeViews(tenants: readonly Tenant[]): void {
  for (const { gateway } of tenants)
    for (const name of ["views.sqlite-wal", "views.sqlite-shm", "views.sqlite"])
      rmSync(join(gateway.dataDir, name), { force: true });
}

async function checkAll(house: House, when: string): Promise<void> {
  await Promise.all(house.tenants.map(({ books }) => books.check(when)));
}

/** What each says after its views are begun anew is what it said before. */
async function assertSame(house: House): Promise<void> {
  const answers = (): Promise<unknown[]> =>
    Promise.all(house.tenants.map(({ books }) => books.answers()));
  const before = await answers();
  await house.end();
  removeViews(house.tenants.slice(1));
  const { process } = house;
  for (const verb of [["rebuild"], ["audit", "verify", process.dataDir]]) {
    const end = await process.cli(...verb);
    assert.equal(end.code, 0, end.output);
  }
  assert.ok(await house.start());
  assert.deepEqual(await answers(), before, "with views from the journal alone");
}

/** Else no attempt was under way at any kill. */
async function assertSomeWereCut({ tenants }: House): Promise<void> {
  const rows = await Promise.all(tenants.map(({ gateway }) => gateway.rows()));
  assert.ok(rows.flat().some(({ outcome }) => outcome === "interrupted"));
}

describe(`kill -9 at random points under load, seed ${SEED}`, () => {
  const random = randomOf(SEED);
  let house: House;

  before(async () => {
    house = await startHouse(TENANTS);
  });
  after(() => house?.dispose());

  test("each billed request is on the books once", { timeout: KILLS * 3000 }, async (t) => {
    let [processes, gateways] = [0, 0];
    while (gateways < KILLS) {
      const died = await dieAndStart(house, random);
      processes += died;
      gateways += died * TENANTS;
      if (processes % CHECK_EVERY === 0) await checkAll(house, `kill ${processes}`);
    }
    await checkAll(house, "after the last kill");
    await assertSomeWereCut(house);
    const billed = billedIn(house);
    t.diagnostic(
      `seed ${SEED}: ${gateways} gateways killed, ${processes} processes, ${billed} requests billed`,
    );
    assert.ok(billed > gateways);
  });

  test("all of it comes out the same when it is derived again", () => assertSame(house));
});
