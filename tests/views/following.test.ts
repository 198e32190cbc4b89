/** Views beside a journal that grows: lag, pages, lines that mean nothing here, and retention. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { RequestRow } from "../../src/views/rows.ts";
import type { Views } from "../../src/views/views.ts";
import { modelOf, modelRows, modelSpent, timeMsOf } from "./model.ts";
import { dump, makeFolder, openSynced } from "./opened-views.ts";
import type { JournalShape } from "./random-journal.ts";
import { randomJournal, seededRandom } from "./random-journal.ts";

const FROM_MS = Date.parse("2026-11-01T00:00:00Z");
const SHAPE: JournalShape = {
  requests: 600,
  fromMs: FROM_MS,
  stepMs: 20_000,
  costBelow: 10n ** 12n,
};

test("views told of lines apply them by themselves, and are behind in nothing then", async (context) => {
  const records = randomJournal(seededRandom(1), SHAPE);
  const folder = makeFolder(context);
  const views = await folder.open();
  let longestMs = 0;
  for (let index = 0; index < records.length; index += 40) {
    views.notify(folder.journal.append(records.slice(index, index + 40)));
    await pause(5);
    longestMs = Math.max(longestMs, views.status().lagMs);
  }
  while (views.status().appliedSeq < records.length) await pause(5);
  assert.equal(views.status().lagMs, 0);
  context.diagnostic(`longest lag ${longestMs.toFixed(0)} ms`);
});

test("lines behind those told of are not read: they may still be taken back", async (context) => {
  const folder = makeFolder(context, randomJournal(seededRandom(2), SHAPE));
  const views = await folder.open();
  await views.sync(100);
  await pause(150);
  assert.equal(views.status().appliedSeq, 100);
});

test("pages hold still while rows arrive: none twice, none of the old ones missing", async (context) => {
  const records = randomJournal(seededRandom(3), SHAPE);
  const half = Math.floor(records.length / 2);
  const folder = makeFolder(context, records.slice(0, half));
  const views = await openSynced(folder);
  const old = modelRows(modelOf(records.slice(0, half))).map((row) => row["id"]);
  const seen: string[] = [];
  let written = half;
  for (let cursor: string | undefined; ;) {
    const page = await views.requests({ limit: 10, cursor });
    assert.ok("data" in page);
    seen.push(...page.data.map((row) => row.id));
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
    written += 20;
    if (written <= records.length)
      await views.sync(folder.journal.append(records.slice(written - 20, written)));
  }
  assert.equal(new Set(seen).size, seen.length);
  assert.deepEqual(
    old.filter((id) => !seen.includes(String(id))),
    [],
  );
});

test("lines of later versions, malformed ones and those about nothing are counted and left out", async (context) => {
  const records = randomJournal(seededRandom(4), SHAPE);
  const settled = records.findIndex((record) => record.type === "settle" && record.end !== null);
  const settle = records[settled];
  const admit = records.find((record) => record.type === "admit");
  assert.ok(settle?.type === "settle" && admit !== undefined);
  const { usage: _usage, ...unmetered } = settle;
  const strange = [
    { type: "hologram", time: settle.time, request: settle.request },
    { ...settle, cost: "1.5" },
    { ...unmetered },
    { ...settle, usage: { ...settle.usage, input_tokens: "many" } },
    { ...settle, end: { ...settle.end, outcome: null } },
    { ...settle, time: "yesterday" },
    { ...settle, request: "req_nobody" },
  ];
  const twice = [
    admit,
    settle,
    { type: "cancel", time: settle.time, request: settle.request, attempt: 1, reason: "late" },
  ];
  const intact = makeFolder(context, records);
  const views = await openSynced(intact);
  const expected = await rowsOf(views);
  const folder = makeFolder(context, [
    ...records.slice(0, settled),
    ...strange,
    ...records.slice(settled),
    ...twice,
  ]);
  const strangeViews = await openSynced(folder);
  assert.equal(strangeViews.status().skipped, strange.length + twice.length);
  assert.equal(folder.warnings.length, 5);
  assert.deepEqual(await rowsOf(strangeViews), expected);
  const everything = { groupBy: ["session", "model"], interval: null, timeZone: "UTC" } as const;
  assert.deepEqual(await strangeViews.usage(everything), await views.usage(everything));
});

async function rowsOf(views: Views): Promise<readonly RequestRow[]> {
  const page = await views.requests({ limit: 5000 });
  assert.ok("data" in page);
  return page.data;
}

test("rows that are pruned leave their sums", async (context) => {
  const records = randomJournal(seededRandom(6), SHAPE);
  const model = modelOf(records);
  const folder = makeFolder(context, records);
  const views = await openSynced(folder);
  const everything = {
    groupBy: ["team", "provider"],
    interval: "day",
    timeZone: "Asia/Tokyo",
  } as const;
  const before = await views.usage(everything);
  const rows = await rowsOf(views);
  const borderMs = Date.parse(rows[rows.length >> 1]?.time ?? "");
  const removed = await views.prune(borderMs);
  const kept = await rowsOf(views);
  assert.ok(removed > 0 && removed + kept.length === rows.length);
  assert.deepEqual(kept, rows.slice(0, kept.length));
  const quarterMs = 15 * 60_000;
  const prunedMs = Math.floor(borderMs / quarterMs) * quarterMs;
  assert.ok(kept.every((row) => Date.parse(row.time) >= prunedMs));
  assert.deepEqual(await views.usage(everything), before);
  const uptoSeq = records.length;
  const spent = await views.spentSince({
    scope: { type: "team", id: "team-1" },
    fromMs: 0,
    uptoSeq,
  });
  assert.equal(
    spent,
    modelSpent(model, uptoSeq, (admit) => admit.team === "team-1"),
  );
  const cutOff = [...model.values()].find((one) => one.endSeq === null && timeMsOf(one) < prunedMs);
  assert.equal(dump(folder.dataDir).includes(cutOff?.id ?? "none"), false);
});

test("what is asked in the middle of a long fold is answered", async (context) => {
  const folder = makeFolder(context, randomJournal(seededRandom(7), { ...SHAPE, requests: 6000 }));
  const views = await folder.open();
  views.notify(folder.journal.seq());
  const synced = views.sync(folder.journal.seq());
  await views.requests({ limit: 1 });
  assert.ok(views.status().appliedSeq < folder.journal.seq(), "the fold was over before");
  await synced;
});
