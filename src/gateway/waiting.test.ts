import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";
import { NO_USAGE } from "../core/usage.ts";
import type { AdmitRecord } from "../journal/record.ts";
import { Ledger, type Hold } from "../ledger/ledger.ts";
import { WaitingRoom } from "./waiting.ts";

const MINUTE_MS = 60_000;
/** The room looks again by itself that often. */
const LOOK_AGAIN_MS = 1_000;

let nowMs = 0;
let ledger: Ledger;
let room: WaitingRoom;

beforeEach((context) => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "setImmediate"] });
  nowMs = 0;
  ledger = new Ledger();
  room = new WaitingRoom(ledger, { wallMs: () => nowMs, monotonicMs: () => nowMs });
  assert.ok("after" in context);
  context.after(() => mock.timers.reset());
});

function pass(ms: number): void {
  nowMs += ms;
  mock.timers.tick(ms);
}

/** Waits for `attempt`; tells how it ended, and gives the way to leave. */
function enter<Result>(attempt: () => Result | null, atMostMs = MINUTE_MS) {
  let leave = () => {};
  const onLeave = (end: () => void) => {
    leave = end;
  };
  const ended = room.wait(attempt, { atMostMs, onLeave });
  return { ended, leave: () => leave() };
}

/** A hold on no window: all that it does is to become free. */
function takeHold(id: string): Hold {
  const none = { windows: [], admittedMs: 0, need: 10n, shadowNeed: 10n };
  return ledger.take({ id, record: {} as AdmitRecord, ...none });
}

/** Frees money in every way that there is. */
const FREEING: Readonly<Record<string, (hold: Hold) => void>> = {
  settlement: (hold) => ledger.settle(hold, { cost: 1n, usage: NO_USAGE }, 0),
  release: (hold) => ledger.release(hold, 5n),
  cancellation: (hold) => ledger.cancel(hold, 0),
};

describe("the waiting room", () => {
  for (const [name, free] of Object.entries(FREEING))
    test(`tries again in the turn after a ${name}`, async () => {
      const hold = takeHold("a/1");
      let isFree = false;
      const { ended } = enter(() => (isFree ? "in" : null));
      isFree = true;
      free(hold);
      mock.timers.tick(0);
      assert.deepEqual(await ended, { result: "in", waitedMs: 0 });
      assert.equal(room.size, 0);
    });

  test("tries once for all that is freed in one turn", () => {
    const holds = ["a/1", "b/1", "c/1"].map(takeHold);
    let tries = 0;
    enter(() => {
      tries++;
      return null;
    });
    for (const hold of holds) ledger.cancel(hold, 0);
    mock.timers.tick(0);
    assert.equal(tries, 1);
  });

  test("lets the oldest try first, and any that fits pass", async () => {
    const order: string[] = [];
    let room4 = 4;
    const waiter = (name: string, size: number) =>
      enter(() => {
        order.push(name);
        if (size > room4) return null;
        room4 -= size;
        return name;
      });
    const [large, small, other] = [waiter("large", 5), waiter("small", 3), waiter("other", 1)];
    ledger.cancel(takeHold("a/1"), 0);
    mock.timers.tick(0);
    assert.deepEqual(order, ["large", "small", "other"]);
    assert.equal((await small.ended).result, "small");
    assert.equal((await other.ended).result, "other");
    assert.equal(room.size, 1);
    room4 = 5;
    ledger.cancel(takeHold("b/1"), 0);
    mock.timers.tick(0);
    assert.equal((await large.ended).result, "large");
  });

  test("looks again by itself, for what nobody tells", async () => {
    let isOpen = false;
    const { ended } = enter(() => (isOpen ? "in" : null));
    isOpen = true;
    pass(LOOK_AGAIN_MS);
    assert.deepEqual(await ended, { result: "in", waitedMs: LOOK_AGAIN_MS });
  });

  test("looks once for all who wait, and stops when nobody does", () => {
    let tries = 0;
    const enterInVain = () =>
      enter(() => {
        tries++;
        return null;
      });
    for (const { leave } of [enterInVain(), enterInVain(), enterInVain()]) leave();
    const stayed = [enterInVain(), enterInVain()];
    pass(LOOK_AGAIN_MS);
    assert.equal(tries, stayed.length);
  });

  test("ends a wait at its deadline, with nothing", async () => {
    const { ended } = enter(() => null, 2_500);
    pass(2_499);
    assert.equal(room.size, 1);
    pass(1);
    assert.deepEqual(await ended, { result: null, waitedMs: 2_500 });
    assert.equal(room.size, 0);
  });

  test("ends a wait at once when it is left, and tries no more", async () => {
    let tries = 0;
    const { ended, leave } = enter(() => {
      tries++;
      return "in";
    });
    pass(300);
    leave();
    leave();
    assert.deepEqual(await ended, { result: null, waitedMs: 300 });
    ledger.cancel(takeHold("a/1"), 0);
    pass(2 * MINUTE_MS);
    assert.equal(tries, 0);
  });

  test("can be entered and left again and again", async () => {
    for (let round = 1; round <= 3; round++) {
      const { ended } = enter(() => round, MINUTE_MS);
      pass(LOOK_AGAIN_MS);
      assert.deepEqual(await ended, { result: round, waitedMs: LOOK_AGAIN_MS });
    }
  });

  test("tells a fault to the one whose attempt it was; the others go on", async () => {
    const faulty = enter(() => {
      throw new Error("a bug");
    });
    const sound = enter(() => "in");
    const refused = assert.rejects(faulty.ended, /a bug/);
    pass(LOOK_AGAIN_MS);
    await refused;
    assert.equal((await sound.ended).result, "in");
    assert.equal(room.size, 0);
  });

  test("keeps two hundred in order", async () => {
    const served: number[] = [];
    let places = 0;
    const waits = Array.from({ length: 200 }, (_, index) =>
      enter(() => {
        if (places === 0) return null;
        places--;
        served.push(index);
        return index;
      }),
    );
    while (room.size > 0) {
      places = 7;
      ledger.cancel(takeHold(`${served.length}/1`), 0);
      mock.timers.tick(0);
    }
    await Promise.all(waits.map(({ ended }) => ended));
    assert.deepEqual(
      served,
      waits.map((_, index) => index),
    );
  });
});
