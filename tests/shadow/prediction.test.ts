import assert from "node:assert/strict";
import { test } from "node:test";
import { applyRecord } from "../../src/ledger/fold.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { emptyState } from "../../src/node/state.ts";
import { openFor, documentOf, runWorkload, type Fate, type Observed } from "./run.ts";
import { workloadOf } from "./workload.ts";

const SEEDS = Array.from({ length: 16 }, (_, index) => 7_000 + index);
const REQUESTS = 160;
/** Never reached, and so never enforced before the team's own caps. */
const WIDE = { budgets: [{ usd: "1000000", per: "month" }] };

async function fatesOf(seed: number, observed: Observed, customer: object | null = null) {
  const admission = await openFor(documentOf(seed, observed, customer));
  return (await runWorkload(admission, workloadOf(seed, REQUESTS))).fates;
}

function assertSame(seed: number, predicted: readonly Fate[], enforced: readonly Fate[]): void {
  assert.equal(predicted.length, enforced.length);
  for (const [index, fate] of enforced.entries())
    assert.deepEqual(predicted[index], fate, `seed ${seed}, request ${index}`);
}

function tallyOf(fates: readonly Fate[], tally: Record<string, number>): void {
  for (const { code, clamped } of fates) {
    const word = code ?? (clamped === null ? "as_asked" : "clamped");
    tally[word] = (tally[word] ?? 0) + 1;
  }
}

test("what the whole gateway's shadow predicts is what enforcement does, request by request", async (context) => {
  const tally: Record<string, number> = {};
  for (const seed of SEEDS) {
    const enforced = await fatesOf(seed, "nobody");
    const observed = await fatesOf(seed, "gateway");
    assertSame(seed, observed, enforced);
    tallyOf(enforced, tally);
  }
  context.diagnostic(JSON.stringify(tally));
  const words = ["as_asked", "clamped", "rate_limited", "concurrency_limited", "budget_exhausted"];
  for (const word of [...words, "request_exceeds_budget", "budget_busy"])
    assert.ok((tally[word] ?? 0) > 0, word);
});

test("so it is with a team in shadow below a customer whose cap is kept and not reached", async () => {
  for (const seed of SEEDS) {
    const enforced = await fatesOf(seed, "nobody", WIDE);
    const observed = await fatesOf(seed, "team", WIDE);
    assertSame(seed, observed, enforced);
  }
});

test("a team in shadow never takes its customer over a cap", async () => {
  let refusals = 0;
  for (const seed of SEEDS.slice(0, 8)) {
    const tight = { budgets: [{ usd: "12", per: "day" }] };
    const admission = await openFor(documentOf(seed, "team", tight));
    const { refused } = await runWorkload(admission, workloadOf(seed, REQUESTS), () => {
      for (const { meter, settled, held } of admission.gateway.ledger.windows())
        if (meter.scope.type === "customer") assert.ok(settled + held <= (meter.cap ?? 0n));
    });
    refusals += refused;
  }
  assert.ok(refusals > 0);
});

/** The counters of every window that has any, in both books. */
function booksOf(ledger: Ledger) {
  const windows = [...ledger.windows()].map((window) => {
    const { key, settled, held, shadowSettled, shadowHeld, shadowInFlight, level } = window;
    const shadow = {
      shadowSettled,
      shadowHeld,
      shadowInFlight,
      level: level?.shadowAmount ?? null,
    };
    return { key, settled, held, ...shadow, hasShadow: window.meter.hasShadow };
  });
  return windows.toSorted((left, right) => (left.key < right.key ? -1 : 1));
}

test("the journal has all that the shadow's books need, and they differ from the real ones", async () => {
  let apart = 0;
  for (const seed of SEEDS.slice(0, 6)) {
    const document = documentOf(seed, "team", WIDE);
    const admission = await openFor(document);
    await runWorkload(admission, workloadOf(seed, REQUESTS));
    const replayed = emptyState();
    for (const record of admission.records) applyRecord(replayed.fold, record);
    const books = booksOf(admission.state.fold.ledger);
    assert.deepEqual(booksOf(replayed.fold.ledger), books);
    apart += books.filter(({ settled, shadowSettled }) => shadowSettled < settled).length;
  }
  assert.ok(apart > 0);
});
