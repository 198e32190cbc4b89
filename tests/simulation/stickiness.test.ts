/** A day with faults through the product's own routing: sessions keep the prompt caches that they would have. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatUsd } from "../../src/core/money.ts";
import { isWarm } from "../../src/routing/stickiness/seats.ts";
import { EventLoop } from "./events.ts";
import { drawDay, drawDeveloper, USUAL } from "./script.ts";
import { FIVE_MINUTES_MS, Sitting } from "./stickiness-client.ts";
import { ACCOUNTS, Node, type Served } from "./stickiness-node.ts";
import { CAUSES, Direct, Upstreams } from "./stickiness-upstream.ts";
import type { HitTally, Service } from "./stickiness-upstream.ts";
import { FAIR, providerOf, stormyDay, type Weather } from "./stickiness-weather.ts";

const SEED = Number(process.env["TOLLGATE_SEED"] ?? Date.now() % 1_000_000);
const SEEDS = [SEED, SEED + 1, SEED + 2];
const DEVELOPERS = 25;
const MIDNIGHT_MS = Date.UTC(2026, 10, 24);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Among them one in the outage, and one in the slow hour. */
const RESTARTS_AT_HOURS = [10.5, 12.2, 14.6, 16];
/** The promise: a hundredth of all input. */
const POINT = 0.01;
/** What the gateway may lose of its own accord: by caution, by spreading first calls over accounts. */
const OWN_LOSS_MAX = 0.005;

const EVENLY = {
  rules: [{ id: "evenly", targets: [{ provider: "anthropic" }, { provider: "reserve" }] }],
};
/** The key's own providers in their order, and a rule that draws. */
const ROUTINGS = [
  ["in order", {}],
  ["by weight", EVENLY],
] as const;

/** A day's requests of all developers, through a service. */
function live(seed: number, loop: EventLoop, service: Service, tally: HitTally): void {
  for (let index = 0; index < DEVELOPERS; index++) {
    const developer = drawDeveloper(seed, index);
    const mainCacheMs = index % 3 === 0 ? HOUR_MS : FIVE_MINUTES_MS;
    const desk = { loop, service, tally, endMs: MIDNIGHT_MS + DAY_MS, mainCacheMs };
    const of = { seed, developer, day: 0, midnightMs: MIDNIGHT_MS, habits: USUAL };
    for (const script of drawDay(of))
      loop.at(script.startMs, () => loop.start(new Sitting(script, desk).run()));
  }
  loop.run();
}

/** Without a gateway: everybody at the first provider's first key. */
function direct(seed: number, weather: Weather): HitTally {
  const loop = new EventLoop(MIDNIGHT_MS);
  const upstreams = new Upstreams(loop, ACCOUNTS, weather);
  live(seed, loop, new Direct(upstreams, "anthropic/a"), upstreams.tally);
  return upstreams.tally;
}

interface Passed {
  readonly tally: HitTally;
  readonly served: readonly Served[];
  readonly node: Node;
}

async function through(seed: number, weather: Weather, routing: object): Promise<Passed> {
  const loop = new EventLoop(MIDNIGHT_MS);
  const upstreams = new Upstreams(loop, ACCOUNTS, weather);
  const node = await Node.open({ seed, loop, upstreams, routing });
  for (const hour of RESTARTS_AT_HOURS)
    loop.at(MIDNIGHT_MS + hour * HOUR_MS, () => loop.start(node.restart()));
  live(seed, loop, node, upstreams.tally);
  return { tally: upstreams.tally, served: node.served, node };
}

function dayOf(seed: number): Weather {
  return stormyDay(seed, { midnightMs: MIDNIGHT_MS, accounts: ACCOUNTS, outageOf: "anthropic" });
}

function row(name: string, tally: HitTally): string {
  const shares = [tally.hitShare, ...CAUSES.map((cause) => tally.share(cause))];
  const cells = shares.map((share) => (100 * share).toFixed(2).padStart(8));
  const counts = [tally.answers, tally.givenUp].map((count) => String(count).padStart(9));
  return [name.padEnd(22), ...cells, ...counts].join("");
}

const HEAD = ["", "% cached", ...CAUSES, "answers", "given up"]
  .map((name, index) => (index === 0 ? name.padEnd(22) : name.padStart(name.includes(" ") ? 9 : 8)))
  .join("");

/** A conversation's request that was served elsewhere than the one before it. */
function isMoved({ before, after }: Served): boolean {
  if (before === null || after === null) return false;
  return (["provider", "door", "model", "key"] as const).some(
    (field) => before[field] !== after[field],
  );
}

function assertHonest({ served, node }: Passed): void {
  for (const each of served) {
    const { kind, before, after, note, atMs } = each;
    if (kind === "auxiliary") {
      assert.deepEqual(after, before, "a side call moves nobody");
      assert.equal(note, null);
      continue;
    }
    assert.equal(note !== null, isMoved(each), `${kind} at ${each.at}: ${note}`);
    if (note === null || before === null) continue;
    const cost = isWarm(before, atMs)
      ? `the cold cache of ${before.historyTokens} tokens costs about ` +
        `$${formatUsd(node.coldCost(before, atMs))}`
      : "no warm cache is lost";
    assert.ok(note.endsWith(`; ${cost}`), note);
    assert.notEqual(each.leaving, "free", `left without need: ${note}`);
  }
}

/** What faults force is measured, what the gateway adds is bounded. */
function assertClose({ tally }: Passed, without: HitTally): void {
  const off = without.hitShare - tally.hitShare;
  assert.ok(off <= POINT, `${(100 * off).toFixed(2)} points below`);
  assert.equal(tally.givenUp, 0, "no fault reaches a client");
  const all = tally.hitShare + tally.share(...CAUSES);
  assert.ok(Math.abs(all - 1) < 1e-9, `the causes sum to ${all}`);
  assert.equal(tally.share("free"), 0);
  const own = tally.share("caution", "spread", "restart");
  assert.ok(own <= OWN_LOSS_MAX, `${(100 * own).toFixed(2)} points lost without need`);
}

describe(`prompt caches over a day with faults (seed ${SEED})`, () => {
  test("the hit share is within one point of the same day without the gateway", async (t) => {
    t.diagnostic(HEAD);
    let [givenUp, moves] = [0, 0];
    for (const seed of SEEDS) {
      const without = direct(seed, dayOf(seed));
      givenUp += without.givenUp;
      t.diagnostic(row(`${seed} without`, without));
      for (const [name, routing] of ROUTINGS) {
        const passed = await through(seed, dayOf(seed), routing);
        t.diagnostic(row(`${seed} ${name}`, passed.tally));
        assertClose(passed, without);
        assertHonest(passed);
        moves += passed.served.filter(isMoved).length;
      }
    }
    assert.ok(givenUp > 0, "without the gateway clients see the faults");
    assert.ok(moves > 0, "faults move sessions");
  });

  test("sessions keep their door though a rule draws by weight", async () => {
    const { tally, served } = await through(SEED, FAIR, EVENLY);
    assert.equal(served.filter(isMoved).length, 0);
    assert.equal(tally.share("shut", "refused", "caution", "free"), 0);
    const first = served.filter(({ before, after }) => before === null && after !== null);
    const share = first.filter(({ at }) => providerOf(at) === "reserve").length / first.length;
    assert.ok(share > 0.3 && share < 0.7, `${share} of ${first.length} began at the second`);
  });
});
