/** A wall clock that steps: a spent day is neither opened again nor refilled before its time. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { until, type BudgetRow } from "../harness/gateway.ts";
import { startDatedFront, type DatedFront } from "./dated-front.ts";
import { startLife, type Life } from "./life.ts";
import { ask, countTokens } from "./script.ts";

const DAY_MS = 86_400_000;
/** Longer than the preloaded module takes to notice a step. */
const NOTICED_MS = 20;
const ASKED_MOST = 20;

type DayBudget = BudgetRow & { readonly window: { readonly start: string } };

describe("a wall clock that steps", () => {
  let life: Life;
  let front: DatedFront;
  /** Noon of today, so that no midnight comes in between. */
  const noonMs = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2 - Date.now();

  before(async () => {
    let stand: DatedFront | null = null;
    life = await startLife({
      keyBudgets: [{ usd: "0.01", per: "day" }],
      providerUrl: async (url) => (stand = await startDatedFront(url)).url,
      clockOffsetMs: noonMs,
    });
    assert.ok(stand !== null);
    front = stand;
  });
  beforeEach(async () => {
    // Both clocks agree again.
    front.offsetMs = noonMs;
    await stepTo(noonMs);
    await countTokens(life);
  });
  after(async () => {
    await life.dispose();
    await front.stop();
  });

  async function stepTo(clockOffsetMs: number): Promise<void> {
    life.desk.set({ clockOffsetMs });
    await delay(NOTICED_MS);
  }

  async function today(): Promise<DayBudget> {
    const budgets = (await life.gateway.budgets()) as DayBudget[];
    const budget = budgets.find(({ scope, per }) => scope.type === "virtual_key" && per === "day");
    assert.ok(budget !== undefined);
    return budget;
  }

  async function isRefused(): Promise<boolean> {
    const answer = await ask(life, "spending", {});
    assert.ok(answer !== null);
    return answer.status === 429;
  }

  /** Spends until the day is spent. */
  async function exhaust(): Promise<DayBudget> {
    for (let asked = 0; !(await isRefused()); asked++) assert.ok(asked < ASKED_MOST);
    return today();
  }

  async function assertStillSpent(spent: DayBudget, when: string): Promise<void> {
    assert.ok(await isRefused(), `${when}: it is refused`);
    assert.deepEqual(await today(), spent, when);
  }

  test("back by a day, and a restart there", async () => {
    const spent = await exhaust();
    await stepTo(noonMs - DAY_MS);
    await assertStillSpent(spent, "a day back");
    await life.gateway.kill9();
    assert.ok(await life.start());
    await assertStillSpent(spent, "a start a day back");
    await stepTo(noonMs);
    await assertStillSpent(spent, "the clock is right again");
  });

  test("forward by a day, which the upstream does not confirm", async () => {
    const spent = await exhaust();
    const { asked } = front;
    await stepTo(noonMs + DAY_MS);
    await assertStillSpent(spent, "a day ahead");
    await until("the upstream is asked", () => front.asked > asked);
    await countTokens(life);
    await assertStillSpent(spent, "a day ahead, and the upstream says otherwise");
    await stepTo(noonMs);
    await assertStillSpent(spent, "the clock is right again");
  });

  test("forward by a day with the upstream, and back without it", async () => {
    const spent = await exhaust();
    front.offsetMs = noonMs + DAY_MS;
    await stepTo(noonMs + DAY_MS);
    await until("a new day begins", async () => !(await isRefused()));
    const tomorrow = await exhaust();
    assert.equal(Date.parse(tomorrow.window.start), Date.parse(spent.window.start) + DAY_MS);
    front.offsetMs = noonMs;
    await stepTo(noonMs);
    await countTokens(life);
    await assertStillSpent(tomorrow, "back in the day before");
    await life.gateway.kill9();
    assert.ok(await life.start());
    await assertStillSpent(tomorrow, "a start in the day before");
    await life.books.check("after all steps");
  });
});
