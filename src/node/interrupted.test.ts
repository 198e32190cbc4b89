/** What a crash left open is charged once, at the input bound and what time allows, never above its hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AdmitRecord, JournalRecord } from "../journal/record.ts";
import { admitRecord, remembering } from "../../tests/ledger/records.ts";
import { settleInterrupted } from "./interrupted.ts";
import { applyToState, emptyState, type NodeState } from "./state.ts";

const CRASH_MS = Date.parse("2026-11-23T10:00:00.000Z");
const DAY = "virtual_key/ada|usd|day|UTC";

function admit(request: string, of: Partial<Omit<AdmitRecord, "request">> = {}): AdmitRecord {
  return admitRecord({
    time: new Date(CRASH_MS).toISOString(),
    max_tokens: 1000,
    need: "1400",
    input_need: "400",
    output_tokens: 1000,
    windows: [`${DAY}@2026-11-23T00:00:00.000Z`],
    ...of,
    request,
  });
}

/** A node that starts again after a crash; what it wrote, and what it counts. */
function start(before: readonly JournalRecord[], downMs: number) {
  const state = stateOf(before);
  const records: JournalRecord[] = [];
  const interrupted = settleInterrupted({
    state,
    journal: remembering(records),
    nowMs: CRASH_MS + downMs,
    tokensPerSecondMax: () => 100,
  });
  return { state, records, interrupted };
}

function stateOf(records: readonly JournalRecord[]): NodeState {
  const state = emptyState();
  const time = new Date(CRASH_MS).toISOString();
  const config = { digest: "d", mode: "enforce", meters_removed: [], opened: [] } as const;
  applyToState(state, { ...config, type: "config", time, meters_added: [DAY], adopted: {} });
  for (const record of records) applyToState(state, record);
  return state;
}

const COSTS = [
  ["at once: one second's worth of output", 0, 500n],
  ["after three seconds", 3_000, 800n],
  ["after a part of a second", 1_001, 601n],
  ["after an hour: the hold", 3_600_000, 1_400n],
] as const;
for (const [when, downMs, cost] of COSTS)
  test(`${when}: ${cost}`, () => {
    const { state, records } = start([admit("a")], downMs);
    const [record] = records;
    assert.ok(record?.type === "settle" && records.length === 1);
    assert.equal(record.cost, String(cost));
    assert.deepEqual([record.estimated, record.end?.outcome], [true, "interrupted"]);
    const [window] = state.fold.ledger.windows();
    assert.deepEqual([window?.settled, window?.held], [cost, 0n]);
  });

test("a hold that was released is never charged more than what it had left", () => {
  const time = new Date(CRASH_MS).toISOString();
  const request = "a" as AdmitRecord["request"];
  const release = { type: "release", time, request, attempt: 1, need: "300" } as const;
  const { records } = start([admit("a"), release], 3_600_000);
  assert.equal(records[0]?.type === "settle" && records[0].cost, "300");
});

test("a count that was under way costs nothing and is no estimate", () => {
  const free = { need: "0", input_need: "0", output_tokens: 0, output_pico: "0", windows: [] };
  const { records } = start([admit("a", { ...free, task_type: "count" })], 5_000);
  const [record] = records;
  assert.ok(record?.type === "settle");
  assert.deepEqual([record.cost, record.estimated, record.usage.output_tokens], ["0", false, 0]);
});

test("a request whose attempt was given back is closed with a refusal", () => {
  const time = new Date(CRASH_MS).toISOString();
  const request = "a" as AdmitRecord["request"];
  const cancel = { type: "cancel", time, request, attempt: 1, reason: "refused" } as const;
  const { records, interrupted } = start([admit("a"), cancel], 5_000);
  assert.deepEqual(interrupted, { charged: 0, closed: 1 });
  assert.equal(records[0]?.type === "refuse" && records[0].end.outcome, "interrupted");
});

test("every open attempt is settled once, and a second start finds nothing to do", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 30 }), fc.nat(100_000), (cancelled, downMs) => {
      const time = new Date(CRASH_MS).toISOString();
      const before = cancelled.flatMap((isCancelled, index): JournalRecord[] => {
        const record = admit(`r${index}`);
        const { request } = record;
        const cancel = { type: "cancel", time, request, attempt: 1, reason: "reset" } as const;
        return isCancelled ? [record, cancel] : [record];
      });
      const { state, records, interrupted } = start(before, downMs);
      const open = cancelled.filter((isCancelled) => !isCancelled).length;
      assert.deepEqual(interrupted, { charged: open, closed: cancelled.length - open });
      assert.equal(
        new Set(records.map((one) => "request" in one && one.request)).size,
        records.length,
      );
      assert.deepEqual([...state.fold.ledger.holds()], []);
      const again = start([...before, ...records], downMs);
      assert.deepEqual([again.records, again.interrupted], [[], { charged: 0, closed: 0 }]);
      const total = (of: NodeState) => [...of.fold.ledger.windows()].map(({ settled }) => settled);
      assert.deepEqual(total(again.state), total(state));
    }),
  );
});

test("limits on tokens count the whole input that was held", () => {
  const limits = ["virtual_key/ada|input_tokens|total", "virtual_key/ada|output_tokens|total"];
  const held = admit("a", { limits, token_need: { input: 5_000, output: 1_000 } });
  const { records, state } = start([held], 1_000);
  const [record] = records;
  assert.ok(record?.type === "settle");
  assert.deepEqual([record.usage.input_tokens, record.usage.output_tokens], [5_000, 200]);
  assert.equal([...state.fold.ledger.holds()].length, 0);
});
