import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { FairQueue, type FlowPath } from "./fair-queue.ts";

interface Waiting {
  readonly team: string;
  readonly key: string;
  readonly rank: number;
}

interface Wish {
  readonly team?: string;
  readonly teamWeight?: number;
  readonly customer?: string;
  readonly key?: string;
  readonly keyWeight?: number;
  readonly rank?: number;
}

function pathOf(wish: Wish): FlowPath {
  const { customer = "acme", team = "a", teamWeight = 1, rank = 0 } = wish;
  const { key = "k", keyWeight = 1 } = wish;
  return {
    above: [
      { id: customer, weight: 1 },
      { id: team, weight: teamWeight },
    ],
    rank,
    below: [{ id: `${team}/${key}`, weight: keyWeight }],
  };
}

let clockMs = 0;

function add(queue: FairQueue<Waiting>, wish: Wish, more: { line?: string; cost?: number } = {}) {
  const { line = "up", cost = 1 } = more;
  const { team = "a", key = "k", rank = 0 } = wish;
  const item = { team, key, rank };
  return queue.add({ item, path: pathOf(wish), line, cost, sinceMs: clockMs++ });
}

function serve(queue: FairQueue<Waiting>, shut?: ReadonlySet<string>): Waiting | null {
  const entry = queue.next(shut);
  if (entry === null) return null;
  queue.serve(entry, shut);
  return entry.item;
}

function counts(served: readonly (Waiting | null)[], of: (item: Waiting) => string) {
  const found = new Map<string, number>();
  for (const item of served) if (item !== null) found.set(of(item), (found.get(of(item)) ?? 0) + 1);
  return found;
}

const weight = fc.integer({ min: 1, max: 9 });

describe("a fair queue", () => {
  test("gives teams that wait throughout their weights, to one request", () => {
    fc.assert(
      fc.property(
        fc.array(weight, { minLength: 2, maxLength: 6 }),
        fc.integer({ min: 1, max: 200 }),
        (weights, rounds) => {
          const queue = new FairQueue<Waiting>();
          for (const [index, teamWeight] of weights.entries())
            for (let more = 0; more < rounds; more++) add(queue, { team: `t${index}`, teamWeight });
          const had = weights.map(() => 0);
          for (let round = 0; round < rounds; round++) {
            const item = serve(queue);
            assert.ok(item !== null);
            const team = Number(item.team.slice(1));
            had[team] = (had[team] ?? 0) + 1;
            for (const [left, leftHad] of had.entries())
              for (const [right, rightHad] of had.entries()) {
                const leftWeight = weights[left] ?? 1;
                const rightWeight = weights[right] ?? 1;
                const apart = Math.abs(leftHad / leftWeight - rightHad / rightWeight);
                assert.ok(apart <= 1 / leftWeight + 1 / rightWeight + 1e-9);
              }
          }
        },
      ),
    );
  });

  test("counts what requests take, not how many they are", () => {
    const queue = new FairQueue<Waiting>();
    for (let index = 0; index < 90; index++) {
      add(queue, { team: "large" }, { cost: 4 });
      add(queue, { team: "small" }, { cost: 1 });
    }
    const served = counts(
      Array.from({ length: 50 }, () => serve(queue)),
      ({ team }) => team,
    );
    assert.deepEqual([served.get("large"), served.get("small")], [10, 40]);
  });

  test("shares at every level: another team's keys take nothing of this one's", () => {
    const queue = new FairQueue<Waiting>();
    for (let index = 0; index < 60; index++) {
      for (const key of ["k1", "k2", "k3", "k4"]) add(queue, { team: "many", key });
      add(queue, { team: "one", key: "k1", keyWeight: 9 });
    }
    const served = Array.from({ length: 80 }, () => serve(queue));
    const teams = counts(served, ({ team }) => team);
    assert.deepEqual([teams.get("many"), teams.get("one")], [40, 40]);
    const keys = counts(served, ({ team, key }) => `${team}/${key}`);
    assert.deepEqual(
      ["k1", "k2", "k3", "k4"].map((key) => keys.get(`many/${key}`)),
      [10, 10, 10, 10],
    );
  });

  test("serves whoever there is, each once, and each key's in order", () => {
    const step = fc.record({
      team: fc.constantFrom("a", "b", "c"),
      key: fc.constantFrom("k", "l"),
      rank: fc.integer({ min: 0, max: 2 }),
      teamWeight: weight,
      serves: fc.integer({ min: 0, max: 2 }),
      leaves: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = new FairQueue<Waiting>();
        const waiting = new Set<ReturnType<typeof add>>();
        const serveOne = () => {
          const entry = queue.next();
          assert.equal(entry === null, waiting.size === 0);
          if (entry === null) return;
          const older = [...waiting].find(({ leaf }) => leaf === entry.leaf);
          assert.equal(older, entry);
          queue.serve(entry);
          assert.ok(waiting.delete(entry));
        };
        for (const { serves, leaves, ...wish } of steps) {
          const entry = add(queue, wish);
          waiting.add(entry);
          if (leaves) {
            queue.leave(entry);
            queue.leave(entry);
            waiting.delete(entry);
          }
          for (let count = 0; count < serves; count++) serveOne();
          assert.equal(queue.size, waiting.size);
        }
        while (waiting.size > 0) serveOne();
        assert.equal(queue.next(), null);
      }),
    );
  });

  test("who comes late has saved nothing up, and waits for no more than one of each other", () => {
    const queue = new FairQueue<Waiting>();
    for (let index = 0; index < 400; index++) add(queue, { team: "noisy" });
    for (let index = 0; index < 100; index++) serve(queue);
    for (let index = 0; index < 100; index++) add(queue, { team: "late" });
    const next = Array.from({ length: 20 }, () => serve(queue)?.team);
    assert.ok(next.slice(0, 2).includes("late"));
    assert.equal(next.filter((team) => team === "late").length, 10);
  });

  test("lets a team's urgent requests go first, and the others not wait for ever", () => {
    const queue = new FairQueue<Waiting>();
    for (let index = 0; index < 100; index++)
      for (const rank of [2, 1, 0]) add(queue, { rank, key: `k${rank}` });
    const ranks = Array.from({ length: 90 }, () => serve(queue)?.rank);
    assert.deepEqual(ranks.slice(0, 8), [0, 0, 0, 0, 0, 0, 0, 0]);
    for (let index = 0; index < 72; index++) {
      const some = new Set(ranks.slice(index, index + 18));
      assert.deepEqual([some.has(0), some.has(1), some.has(2)], [true, true, true]);
    }
    assert.ok(ranks.filter((rank) => rank === 0).length >= 70);
  });

  test("no team gains on another by calling its requests urgent", () => {
    const queue = new FairQueue<Waiting>();
    for (let index = 0; index < 40; index++) {
      add(queue, { team: "urgent", rank: 0 });
      add(queue, { team: "patient", rank: 2 });
    }
    const served = counts(
      Array.from({ length: 40 }, () => serve(queue)),
      ({ team }) => team,
    );
    assert.deepEqual([served.get("urgent"), served.get("patient")], [20, 20]);
  });

  test("passes over shut lines, which save nothing up meanwhile", () => {
    const queue = new FairQueue<Waiting>();
    for (let index = 0; index < 100; index++) {
      add(queue, { team: "opus" }, { line: "opus" });
      add(queue, { team: "haiku" }, { line: "haiku" });
    }
    const shut = new Set(["opus"]);
    for (let index = 0; index < 50; index++) assert.equal(serve(queue, shut)?.team, "haiku");
    assert.equal(queue.next(new Set(["opus", "haiku"])), null);
    const served = counts(
      Array.from({ length: 20 }, () => serve(queue)),
      ({ team }) => team,
    );
    assert.ok(Math.abs((served.get("opus") ?? 0) - (served.get("haiku") ?? 0)) <= 2);
  });

  test("who waited before goes in front of its own key's later requests", () => {
    const queue = new FairQueue<Waiting>();
    const path = pathOf({});
    const item = { team: "a", key: "first", rank: 0 };
    clockMs = 100;
    add(queue, { key: "k" });
    queue.add({ item, path, line: "up", cost: 0, sinceMs: 1 });
    assert.equal(serve(queue)?.key, "first");
  });
});

describe("a full fair queue", () => {
  test("sends away the newest of who has most places for its weight", () => {
    const queue = new FairQueue<Waiting>();
    let newest: ReturnType<typeof add> | null = null;
    for (let index = 0; index < 10; index++) newest = add(queue, { team: "noisy" });
    for (let index = 0; index < 10; index++) add(queue, { team: "heavy", teamWeight: 5 });
    assert.equal(queue.excess(pathOf({ team: "new" })), newest);
    assert.equal(queue.excess(pathOf({ team: "heavy", teamWeight: 5 })), newest);
  });

  test("sends away the newcomer where that is its own team's doing", () => {
    const queue = new FairQueue<Waiting>();
    for (let index = 0; index < 10; index++) add(queue, { team: "noisy" });
    add(queue, { team: "quiet" });
    assert.equal(queue.excess(pathOf({ team: "noisy" })), null);
    const other = queue.excess(pathOf({ team: "noisy", key: "another" }));
    assert.equal(other?.item.key, "k");
  });

  test("sends away a team's least urgent first", () => {
    const queue = new FairQueue<Waiting>();
    const batch = add(queue, { rank: 2 });
    for (let index = 0; index < 9; index++) add(queue, { rank: 0 });
    assert.equal(queue.excess(pathOf({ rank: 0 })), batch);
    assert.equal(queue.excess(pathOf({ rank: 2 })), null);
  });
});
