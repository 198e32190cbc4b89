/** A new configuration in mid-window: what added budgets begin with, and what is recorded of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { JournalRecord } from "../../src/journal/record.ts";
import type { Window } from "../../src/ledger/state.ts";
import { applyToState, emptyState } from "../../src/node/state.ts";
import { countersByModel, countersIn, labelOfWindow } from "./counters.ts";
import { Live } from "./live.ts";
import { Settings } from "./settings.ts";
import { busySchedules, World } from "./steps.ts";

const START_MS = Date.parse("2026-11-23T10:00:00.000Z");
const USD = 1_000_000_000n;
/** Numbers by which `Settings` knows scopes and spans. */
const ADA = 0;
const PLATFORM = 1;
const DAY_UTC = 2;
const DAY_BERLIN = 17;
const ROLLING_5H = 0x220;
const TOTAL = 0x300;

test("what settles while history is asked is neither missed nor counted twice", async (context) => {
  let opened = 0;
  await fc.assert(
    fc.asyncProperty(busySchedules(), async ({ startMs, steps }) => {
      const world = new World(startMs);
      const { live, model } = world;
      await world.begin();
      for (const step of steps) {
        await world.run(step);
        for (const window of live.ledger.windows()) {
          const meter = model.meters.get(window.meter.id);
          if (meter === undefined || (window.endMs ?? Infinity) <= live.nowMs) continue;
          const label = labelOfWindow(window, meter);
          const modelled = countersByModel({ model, meter, label, nowMs: live.nowMs });
          live.ledger.windowAt(window.meter, live.nowMs, window.session);
          assert.deepEqual(countersIn(window), modelled, window.key);
        }
      }
      opened += live.records.filter((one) => one.type === "config" && one.opened.length > 0).length;
    }),
    { numRuns: 150 },
  );
  assert.ok(opened > 100);
  context.diagnostic(`${opened} configurations opened budgets with what was spent`);
});

/** A live ledger in which key ada spends against settings that a test changes. */
class Story {
  readonly live = new Live(START_MS);
  readonly settings = new Settings();

  async configure(): Promise<JournalRecord[]> {
    const before = this.live.records.length;
    await this.live.configure(this.settings, () => undefined);
    return this.live.records.slice(before);
  }

  admit(need: bigint) {
    const { ruling } = this.live;
    assert.ok(ruling !== null);
    const asks = { asked: 1, floor: 1, compaction: false, inputNeed: need, pricePerToken: 0n };
    return this.live.admit({
      ruling,
      key: "ada",
      provider: 0,
      session: null,
      agent: null,
      inputTokens: 0,
      ...asks,
    }).hold;
  }

  spend(cost: bigint): void {
    const hold = this.admit(cost);
    assert.ok(hold !== null);
    this.live.settle(hold, cost, {});
  }

  window(part: string): Window {
    const windows = [...this.live.ledger.windows()].filter(({ key }) => key.includes(part));
    assert.equal(windows.length, 1, part);
    return windows[0] as Window;
  }
}

describe("a new configuration", () => {
  test("opens an added budget with what its scope has spent and holds", async () => {
    const story = new Story();
    await story.configure();
    story.spend(3n * USD);
    story.admit(2n * USD);
    story.settings.toggleBudget(ADA, DAY_UTC, 10n * USD);
    await story.configure();
    const { settled, held, inFlight } = story.window("|usd|day|UTC");
    assert.deepEqual([settled, held, inFlight], [3n * USD, 2n * USD, 1]);
  });

  test("leaves what was spent before the window, and before a rolling span", async () => {
    const story = new Story();
    await story.configure();
    story.spend(3n * USD);
    story.live.nowMs += 20 * 3_600_000;
    story.spend(1n * USD);
    for (const span of [DAY_UTC, ROLLING_5H, TOTAL])
      story.settings.toggleBudget(ADA, span, 10n * USD);
    await story.configure();
    const settled = ["|day|", "|rolling|", "|total"].map((part) => story.window(part).settled);
    assert.deepEqual(settled, [USD, USD, 4n * USD]);
  });

  test("with another zone counts anew what was spent in the zone's window", async () => {
    const story = new Story();
    story.settings.toggleBudget(ADA, DAY_UTC, 10n * USD);
    await story.configure();
    story.spend(1n * USD);
    // Midnight in Berlin has passed, midnight in UTC has not.
    story.live.nowMs = Date.parse("2026-11-23T23:30:00Z");
    story.spend(2n * USD);
    story.settings.toggleBudget(ADA, DAY_UTC, 0n);
    story.settings.toggleBudget(ADA, DAY_BERLIN, 10n * USD);
    const [record] = await story.configure();
    assert.equal(story.window("|day|").settled, 2n * USD);
    assert.equal(record?.type === "config" && record.meters_added.length, 1);
    assert.equal(record?.type === "config" && record.meters_removed.length, 1);
  });

  test("with a budget that was gone for a while counts what was spent meanwhile", async () => {
    const story = new Story();
    story.settings.toggleBudget(ADA, DAY_UTC, 10n * USD);
    await story.configure();
    story.spend(1n * USD);
    const hold = story.admit(5n * USD);
    assert.ok(hold !== null);
    story.settings.toggleBudget(ADA, DAY_UTC, 0n);
    await story.configure();
    story.spend(20n * USD);
    story.live.settle(hold, 4n * USD, {});
    story.settings.toggleBudget(ADA, DAY_UTC, 10n * USD);
    await story.configure();
    const { settled, held, meter } = story.window("|day|");
    assert.deepEqual([settled, held, meter.cap], [25n * USD, 0n, 10n * USD]);
    assert.equal(story.admit(1n), null);
  });

  test("that lowers a cap below what is spent writes it down, and admits nothing more", async () => {
    const story = new Story();
    story.settings.toggleBudget(ADA, DAY_UTC, 10n * USD);
    await story.configure();
    story.spend(3n * USD);
    story.admit(2n * USD);
    story.settings.scaleCaps(ADA, 40);
    const records = await story.configure();
    assert.deepEqual(
      records.map(({ type }) => type),
      ["config", "cap_lowered"],
    );
    const lowered = records[1];
    assert.ok(lowered?.type === "cap_lowered");
    const { from, to, settled, held } = lowered;
    const amounts = [from, to, settled, held].map((amount) => BigInt(amount) / USD);
    assert.deepEqual(amounts, [10n, 4n, 3n, 2n]);
    assert.equal(story.admit(1n), null);
    const window = story.window("|day|");
    assert.deepEqual([window.settled, window.held], [3n * USD, 2n * USD]);
  });

  test("that lowers a cap while the node is down writes it down at its start", async () => {
    const story = new Story();
    story.settings.toggleBudget(ADA, DAY_UTC, 10n * USD);
    await story.configure();
    story.spend(5n * USD);
    const next = new Live(START_MS + 1000);
    for (const record of story.live.records) {
      applyToState(next.state, record);
      next.records.push(record);
    }
    const before = next.records.length;
    story.settings.scaleCaps(ADA, 40);
    await next.configure(story.settings, () => undefined);
    assert.deepEqual(
      next.records.slice(before).map(({ type }) => type),
      ["config", "cap_lowered"],
    );
  });

  test("that moves a key leaves with each team what was spent in it", async () => {
    const story = new Story();
    story.settings.toggleBudget(PLATFORM, DAY_UTC, 10n * USD);
    story.settings.toggleBudget(8, DAY_UTC, 10n * USD);
    await story.configure();
    story.spend(1n * USD);
    const hold = story.admit(2n * USD);
    assert.ok(hold !== null);
    story.settings.moveKey(0, 2);
    await story.configure();
    story.spend(4n * USD);
    story.live.settle(hold, 2n * USD, {});
    assert.equal(story.window("team/platform").settled, 3n * USD);
    assert.equal(story.window("team/sales%7Cemea").settled, 4n * USD);
  });

  test("that changes nothing writes nothing", async () => {
    const story = new Story();
    story.settings.toggleBudget(ADA, DAY_UTC, 10n * USD);
    await story.configure();
    assert.deepEqual(await story.configure(), []);
  });

  test("writes each cap once, from which a replay knows them all", async () => {
    const story = new Story();
    story.settings.toggleBudget(ADA, DAY_UTC, 10n * USD);
    story.settings.toggleBudget(PLATFORM, TOTAL, 20n * USD);
    await story.configure();
    story.settings.scaleCaps(ADA, 50);
    const [record] = await story.configure();
    assert.deepEqual(record?.type === "config" && record.caps, {
      "virtual_key/ada|usd|day|UTC": String(5n * USD),
    });
    const replayed = emptyState();
    for (const one of story.live.records) applyToState(replayed, one);
    const caps = [...replayed.fold.ledger.meters()].map(({ cap }) => cap);
    assert.deepEqual(caps, [20n * USD, 5n * USD]);
  });
});
