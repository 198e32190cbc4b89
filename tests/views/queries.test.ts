/** Every question to the views, against a model that knows nothing of SQL. */
import assert from "node:assert/strict";
import { before, after, describe, test } from "node:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scope } from "../../src/core/span.ts";
import type { RequestsFilter } from "../../src/views/requests.ts";
import type { GroupName } from "../../src/views/usage.ts";
import { openViews } from "../../src/views/views.ts";
import type { Views } from "../../src/views/views.ts";
import { modelAttempts, modelOf, modelRow, modelRows, modelSpent, modelUsage } from "./model.ts";
import { modelShadow, shadowFigures } from "./shadow-model.ts";
import { randomJournal, seededRandom } from "./random-journal.ts";
import { writeJournal } from "./written-journal.ts";

const SEED = 20261101;
const FROM_MS = Date.parse("2026-10-24T21:07:13.123Z");
const random = seededRandom(SEED);
// Thousands of requests over two days: those of the change of clocks in Europe.
const records = randomJournal(random, {
  requests: 2000,
  fromMs: FROM_MS,
  stepMs: 70_000,
  costBelow: 10n ** 15n,
});
const model = modelOf(records);
const rows = modelRows(model);
const lastMs = Date.parse(records.at(-1)?.time ?? "");

describe(`views of ${records.length} records of seed ${SEED}`, () => {
  const dataDir = mkdtempSync(join(tmpdir(), "tollgate-views-"));
  const journalDirectory = join(dataDir, "journal", "n00000001");
  let views: Views;

  before(async () => {
    const seq = writeJournal(journalDirectory, 2500).append(records);
    views = await openViews({ dataDir, journalDirectory, log: { warn: () => {} } });
    await views.sync(seq);
    assert.equal(views.status().appliedSeq, records.length);
    assert.equal(views.status().skipped, 0);
  });

  after(async () => {
    await views.close();
    rmSync(dataDir, { recursive: true });
  });

  async function pages(filter: RequestsFilter): Promise<unknown[]> {
    const found: unknown[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await views.requests({ ...filter, cursor });
      assert.ok("data" in page);
      found.push(...page.data);
      if (page.next_cursor === null) return found;
      assert.equal(page.data.length, filter.limit);
      cursor = page.next_cursor;
    }
  }

  test("all rows come page by page, newest first, equal to the model", async () => {
    assert.deepEqual(await pages({ limit: 700 }), rows);
  });

  test("the shadow report has what the model counts, and whom it would have hit", async () => {
    const [fromMs, toMs] = [FROM_MS + 20_000_000, FROM_MS + 100_000_000];
    const report = await views.shadow({ fromMs, toMs });
    const byScope = (left: { scope: string }, right: { scope: string }) =>
      left.scope < right.scope ? -1 : 1;
    const modelled = modelShadow(model, fromMs, toMs);
    assert.ok(modelled.length === 4);
    assert.deepEqual(shadowFigures(report).toSorted(byScope), modelled.toSorted(byScope));
    for (const { scope, hit, requests } of report.scopes) {
      assert.equal(
        hit.reduce((sum, each) => sum + each.requests, 0),
        requests,
      );
      if (scope === null) continue;
      const only = await views.shadow({ fromMs, toMs, scope: `${scope.type}/${scope.id}` });
      assert.deepEqual(only.scopes, [report.scopes.find((each) => each.scope === scope)]);
    }
  });

  const filters: readonly RequestsFilter[] = [
    { virtual_key: "key-3" },
    { team: "team-1", outcome: "refused" },
    { customer: "acme", model: "claude-haiku-5" },
    { owner: "owner-5", provider: "vertex" },
    { session: "session-7" },
    { session: "session-7", virtual_key: "key-1", outcome: "ok" },
    { outcome: "interrupted", fromMs: FROM_MS + 40_000_000, toMs: FROM_MS + 90_000_000 },
    { provider: "bedrock", fromMs: FROM_MS + 77_777_777 },
    { virtual_key: "nobody" },
  ];
  for (const filter of filters) {
    test(`rows of ${JSON.stringify(filter)} equal the model's`, async () => {
      const { fromMs = 0, toMs = Infinity, ...fields } = filter;
      const expected = rows.filter((row) => {
        const timeMs = Date.parse(String(row["time"]));
        const same = Object.entries(fields).every(([name, value]) => row[name] === value);
        return same && timeMs >= fromMs && timeMs < toMs;
      });
      if (filter.virtual_key !== "nobody")
        assert.ok(expected.length > 0, "the filter tests nothing");
      assert.deepEqual(await pages({ ...filter, limit: 97 }), expected);
    });
  }

  test("a request is shown with its attempts, releases, cancels and corrections", async () => {
    const states = new Set<unknown>();
    let shown = 0;
    for (const request of model.values()) {
      const interesting = request.attempts.length > 1 || shown % 10 === 0;
      if (!interesting && !request.attempts.some((one) => one.corrections.length > 0)) continue;
      shown++;
      const found = await views.request(request.id);
      if (request.endSeq === null) {
        assert.equal(found, null);
        continue;
      }
      const attempts = modelAttempts(request);
      for (const attempt of attempts) states.add(attempt["state"]);
      assert.deepEqual(found, { ...modelRow(request), attempts });
    }
    assert.deepEqual(states, new Set(["settled", "cancelled"]));
    assert.equal(await views.request("req_none"), null);
  });

  const groupings: readonly (readonly GroupName[])[] = [
    [],
    ["team"],
    ["owner", "provider"],
    ["virtual_key", "model", "task_type"],
    ["customer", "session", "agent"],
    ["label:cost_center"],
    ["label:áb", "label:cost_center", "team"],
  ];
  const utcHour = (timeMs: number) => new Date(Math.floor(timeMs / 3_600_000) * 3_600_000);
  const intervals = [
    { interval: null, timeZone: "UTC", startOf: null },
    {
      interval: "hour",
      timeZone: "Europe/Berlin",
      startOf: (timeMs: number) => utcHour(timeMs).toISOString(),
    },
    { interval: "day", timeZone: "Europe/Berlin", startOf: berlinMidnight },
  ] as const;
  const ranges = [
    {},
    { fromMs: FROM_MS + 12_345_678 },
    { fromMs: Date.parse("2026-10-25T00:45:00Z"), toMs: Date.parse("2026-10-25T02:00:00Z") },
    { fromMs: Date.parse("2026-10-25T00:46:01Z"), toMs: Date.parse("2026-10-25T00:59:59.999Z") },
    { fromMs: Date.parse("2026-10-25T00:50:00Z"), toMs: Date.parse("2026-10-25T22:59:59.999Z") },
    { toMs: lastMs - 1_234_567 },
    { fromMs: lastMs + 3_600_000 },
  ];
  for (const groupBy of groupings) {
    for (const { interval, timeZone, startOf } of intervals) {
      test(`usage by ${groupBy.join(" and ") || "nothing"} per ${interval ?? "range"} equals the model's`, async () => {
        for (const range of ranges) {
          const { fromMs = 0, toMs = Infinity } = range;
          const found = await views.usage({ groupBy, interval, timeZone, ...range });
          const expected = modelUsage(model, { groupBy, fromMs, toMs, startOf });
          if (expected.length === 0 && groupBy.length === 0 && interval === null) {
            assert.deepEqual(
              found.map((group) => [group.requests, group.cost_usd]),
              [[0, "0"]],
            );
          } else {
            assert.deepEqual(sorted(found), sorted(expected), JSON.stringify(range));
          }
        }
      });
    }
  }

  test("sums are exact where floats are not", async () => {
    const [all] = await views.usage({ groupBy: [], interval: null, timeZone: "UTC" });
    const nano = BigInt(
      (all?.cost_usd ?? "").replace(/\.(\d*)$/, (_, fraction) => String(fraction).padEnd(9, "0")),
    );
    assert.ok(nano > 2n ** 53n, "the sum does not pass 2^53");
    assert.notEqual(BigInt(Number(nano)), nano, "a float would have held it");
  });

  test("what a scope has spent equals the model's, as of any record", async () => {
    for (let count = 0; count < 60; count++) {
      const uptoSeq = records.length - random.below(random.pick([1, 500, records.length]));
      const fromMs = FROM_MS + random.below(lastMs - FROM_MS);
      const toMs = random.chance(0.3) ? undefined : fromMs + random.below(lastMs - fromMs);
      const key = `key-${random.below(6)}`;
      const [scope, virtualKey, inScope] = random.pick<SpentCase>([
        [{ type: "customer", id: "acme" }, undefined, { customer: "acme" }],
        [{ type: "team", id: "team-2" }, key, { team: "team-2", virtual_key: key }],
        [{ type: "owner", id: "owner-3" }, undefined, { owner: "owner-3" }],
        [{ type: "virtual_key", id: key }, undefined, { virtual_key: key }],
        [
          { type: "provider_config", id: `${key}/vertex` },
          undefined,
          { virtual_key: key, provider: "vertex" },
        ],
        [
          { type: "session", id: `${key}/session-3` },
          key,
          { virtual_key: key, session: "session-3" },
        ],
      ]);
      const spent = await views.spentSince({ scope, virtualKey, fromMs, toMs, uptoSeq });
      const expected = modelSpent(model, uptoSeq, (admit) => {
        const timeMs = Date.parse(admit.time);
        const fields: Readonly<Record<string, unknown>> = { ...admit };
        const same = Object.entries(inScope).every(([name, value]) => fields[name] === value);
        return same && timeMs >= fromMs && timeMs < (toMs ?? Infinity);
      });
      assert.equal(spent, expected, JSON.stringify({ scope, virtualKey, fromMs, toMs, uptoSeq }));
    }
  });

  for (const cursor of ["", "x", "cjE6MTo", Buffer.from("r1:1:2 ").toString("base64url")]) {
    test(`the cursor "${cursor}" is told to be none`, async () => {
      assert.deepEqual(await views.requests({ cursor }), { error: "invalid_cursor" });
    });
  }
});

type SpentCase = readonly [Scope, string | undefined, Readonly<Record<string, string>>];

/** By the offsets of the days around the change at 2026-10-25T01:00Z, written out by hand. */
function berlinMidnight(timeMs: number): string {
  const midnights = [
    "2026-10-23T22:00:00.000Z",
    "2026-10-24T22:00:00.000Z",
    "2026-10-25T23:00:00.000Z",
    "2026-10-26T23:00:00.000Z",
    "2026-10-27T23:00:00.000Z",
    "2026-10-28T23:00:00.000Z",
  ];
  const midnight = midnights.findLast((start) => Date.parse(start) <= timeMs);
  assert.ok(midnight !== undefined && timeMs < Date.parse("2026-10-29T23:00:00Z"));
  return midnight;
}

function sorted(groups: readonly unknown[]): unknown[] {
  return groups.toSorted((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
}
