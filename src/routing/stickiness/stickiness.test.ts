import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PicoUsdPerToken } from "../../core/money.ts";
import { decideSeat, leavingNote, type Candidate, type TurnPrices } from "./decide.ts";
import { Seats, type Seat } from "./seats.ts";

const NOW_MS = Date.parse("2026-11-23T12:00:00Z");
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const SEAT: Seat = {
  provider: "anthropic",
  key: "main",
  door: "messages",
  model: "claude-opus-5-5",
  lastAtMs: NOW_MS - 60_000,
  cacheMs: 300_000,
  historyTokens: 150_000,
};
const ADA = { virtualKey: "ada", session: "s1", agent: null };

function prices(cacheRead: bigint, cacheWrite: bigint, output: bigint): TurnPrices {
  const pico = (amount: bigint) => amount as PicoUsdPerToken;
  return { cacheRead: pico(cacheRead), cacheWrite: pico(cacheWrite), output: pico(output) };
}

const DEAR = prices(250_000n, 6_250_000n, 25_000_000n);
const CHEAP = prices(50_000n, 1_250_000n, 5_000_000n);
const HERE: Candidate = { ...SEAT, usable: true, prices: DEAR };
const THERE: Candidate = {
  provider: "bedrock",
  door: "converse",
  model: "haiku",
  usable: true,
  prices: CHEAP,
};
const LONG = { freshTokens: 2_000, outputTokens: 1_000, turns: 20 };
const NEVER = { ...LONG, turns: 0 };

describe("staying and leaving", () => {
  it("takes the first usable target where the session has no seat", () => {
    const ill = { ...HERE, usable: false };
    const decision = decideSeat(null, [ill, THERE], LONG, NOW_MS);
    assert.deepEqual(decision, { first: 1, reason: "alone", leavingNano: 0n });
  });

  it("stays where it sits, though the rule prefers another", () => {
    const decision = decideSeat(SEAT, [THERE, HERE], NEVER, NOW_MS);
    assert.deepEqual(decision, { first: 1, reason: "kept", leavingNano: 0n });
    assert.equal(decideSeat(SEAT, [HERE, THERE], LONG, NOW_MS).first, 0);
  });

  it("leaves a door that takes no requests, and says what the cold cache costs", () => {
    const decision = decideSeat(SEAT, [{ ...HERE, usable: false }, THERE], NEVER, NOW_MS);
    // 150,000 tokens × (1.25 - 0.05) dollars per million.
    assert.deepEqual(decision, {
      first: 1,
      reason: "unusable",
      leavingNano: 180_000_000n,
    });
    assert.equal(
      leavingNote(SEAT, { ...THERE, key: null }, "unusable", NOW_MS),
      "the session left anthropic/messages claude-opus-5-5 for bedrock/converse haiku: it takes no " +
        "requests now; the cold cache of 150000 tokens costs about $0.18",
    );
  });

  it("leaves an account with its key, and no other way", () => {
    assert.equal(leavingNote(SEAT, { ...HERE, key: "main" }, "failed", NOW_MS), null);
    // 150,000 tokens × (6.25 - 0.25) dollars per million.
    assert.equal(
      leavingNote(SEAT, { ...HERE, key: "spare" }, "failed", NOW_MS),
      "the session left anthropic/messages claude-opus-5-5 (key main) for anthropic/messages " +
        "claude-opus-5-5 (key spare): it was asked and failed; the cold cache of 150000 tokens " +
        "costs about $0.9",
    );
  });

  it("leaves a door that is no longer offered", () => {
    const decision = decideSeat(SEAT, [THERE], NEVER, NOW_MS);
    assert.deepEqual([decision.first, decision.reason], [0, "not_offered"]);
  });

  it("costs nothing to leave a cache that has gone cold by itself", () => {
    const decision = decideSeat(SEAT, [THERE], NEVER, NOW_MS + HOUR_MS);
    assert.equal(decision.leavingNano, 0n);
    const note = leavingNote(SEAT, { ...THERE, key: null }, "not_offered", NOW_MS + HOUR_MS);
    assert.match(note ?? "", /no warm cache is lost$/);
  });

  it("leaves for a cheaper door only where the turns to come earn the cold cache back", () => {
    // A turn costs 0.075 here and 0.015 there; the cold cache 0.18: three turns do not earn it.
    assert.equal(decideSeat(SEAT, [THERE, HERE], { ...LONG, turns: 1 }, NOW_MS).reason, "kept");
    const decision = decideSeat(SEAT, [THERE, HERE], LONG, NOW_MS);
    assert.deepEqual([decision.first, decision.reason], [0, "saves"]);
    const dearer = [
      { ...THERE, prices: DEAR },
      { ...HERE, prices: CHEAP },
    ];
    assert.equal(decideSeat(SEAT, dearer, LONG, NOW_MS).reason, "kept");
  });

  it("says so where nobody is usable", () => {
    const nobody = [HERE, THERE].map((candidate) => ({ ...candidate, usable: false }));
    assert.equal(decideSeat(SEAT, nobody, LONG, NOW_MS).first, -1);
    assert.equal(decideSeat(SEAT, [], LONG, NOW_MS).first, -1);
  });

  it("never asks an unusable target first, and tells a cost only of a move", () => {
    const candidate = fc.record({
      provider: fc.constantFrom("anthropic", "bedrock", "vertex"),
      door: fc.constant("messages"),
      model: fc.constant("claude-opus-5-5"),
      usable: fc.boolean(),
      prices: fc.constantFrom(DEAR, CHEAP),
    });
    const turns = fc.nat(30);
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 5 }), turns, (candidates, count) => {
        const decision = decideSeat(SEAT, candidates, { ...LONG, turns: count }, NOW_MS);
        const first = candidates[decision.first];
        assert.equal(first === undefined, !candidates.some(({ usable }) => usable));
        if (first === undefined) return;
        assert.ok(first.usable);
        const moved = first.provider !== SEAT.provider;
        assert.equal(decision.leavingNano > 0n, moved);
      }),
    );
  });
});

describe("seats", () => {
  it("belong to one conversation of one key", () => {
    const seats = new Seats();
    seats.remember(ADA, SEAT);
    assert.deepEqual(seats.recall(ADA, NOW_MS), SEAT);
    assert.equal(seats.recall({ ...ADA, agent: "a1" }, NOW_MS), null);
    assert.equal(seats.recall({ ...ADA, virtualKey: "bob" }, NOW_MS), null);
    assert.equal(seats.recall({ ...ADA, session: "s", agent: "1" }, NOW_MS), null);
  });

  it("are where the session went last", () => {
    const seats = new Seats();
    seats.remember(ADA, SEAT);
    seats.remember(ADA, { ...SEAT, provider: "bedrock" });
    assert.equal(seats.recall(ADA, NOW_MS)?.provider, "bedrock");
  });

  it("are forgotten after an idle day, and the least recently used beyond 20,000", () => {
    const seats = new Seats();
    seats.remember(ADA, SEAT);
    assert.notEqual(seats.recall(ADA, SEAT.lastAtMs + DAY_MS), null);
    assert.equal(seats.recall(ADA, SEAT.lastAtMs + DAY_MS + 1), null);
    const name = (index: number) => ({ ...ADA, session: `s${index}` });
    for (let index = 0; index <= 20_000; index++) {
      seats.remember(name(index), SEAT);
      if (index === 10) seats.remember(name(0), SEAT);
    }
    assert.notEqual(seats.recall(name(0), NOW_MS), null);
    assert.equal(seats.recall(name(1), NOW_MS), null);
  });

  it("outlive a restart: the 4,000 used last, but for those idle for a day", () => {
    const seats = new Seats();
    for (let index = 0; index < 5_000; index++)
      seats.remember({ ...ADA, session: `s${index}` }, SEAT);
    seats.remember(ADA, { ...SEAT, lastAtMs: NOW_MS - DAY_MS - 1 });
    const saved = JSON.stringify(seats.snapshot());
    assert.ok(saved.length < 1_500_000, `${saved.length} bytes`);
    const restored = new Seats();
    restored.restore(JSON.parse(saved), NOW_MS);
    assert.deepEqual(restored.recall({ ...ADA, session: "s4999" }, NOW_MS), SEAT);
    assert.equal(restored.recall({ ...ADA, session: "s999" }, NOW_MS), null);
    assert.equal(restored.recall(ADA, NOW_MS), null);
  });

  it("are not taken from what is no snapshot", () => {
    const seats = new Seats();
    const odd = [["x"], null, ["y", { ...SEAT, lastAtMs: "now" }], ["z", { ...SEAT, door: 7 }]];
    for (const value of [null, [], { version: 2 }, { version: 1, seats: 7 }])
      seats.restore(value, 0);
    seats.restore({ version: 1, seats: odd }, NOW_MS);
    assert.deepEqual(seats.snapshot().seats, []);
  });
});
