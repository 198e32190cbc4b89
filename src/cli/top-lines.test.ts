/** The screen of `tollgate top` fits its terminal, whatever a gateway has to tell. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { topLines } from "./top-lines.ts";
import type { TopReading } from "./top-reading.ts";

const LONG = "a-very-long-name-of-a-key-that-does-not-fit-into-any-table@acme.example";
const TIME = "2026-11-23T10:20:30.000Z";

function list<Entry>(length: number, entry: Entry): Entry[] {
  return Array.from({ length }, () => entry);
}

const READING: TopReading = {
  time: TIME,
  version: "1.2.3",
  node: "nAAAAAAAA",
  mode: "enforce",
  span_seconds: 300,
  usd_per_hour: 1234.567,
  requests: 4321,
  in_flight: 17,
  held_usd: "12.5",
  sessions: list(20, {
    virtual_key: LONG,
    session: "0123456789abcdef",
    model: "claude-opus-5-5-20261101[1m]",
    usd_per_hour: 98_765.432,
    usd_day: 123.456,
  }),
  budgets: list(20, {
    scope: `session ${LONG}`,
    per: "session",
    limit_usd: "50000",
    settled_usd: "49999.123456789",
    held_usd: "0.000000001",
    utilization: 0.9999,
  }),
  troubles: list(9, `provider anthropic refused key ${LONG}${LONG} with 401`),
  refusals: list(20, {
    time: TIME,
    virtual_key: LONG,
    refusal: "request_exceeds_budget",
    requested_model: "claude-opus-5-5-20261101[1m]",
  }),
};

for (const [columns, rows] of [
  [80, 24],
  [80, 50],
  [120, 40],
] as const) {
  test(`a full reading fits ${columns} columns and ${rows} rows`, () => {
    const lines = topLines(READING, { columns, rows });
    assert.ok(lines.length <= rows, `${lines.length} lines`);
    assert.deepEqual(
      lines.filter((line) => line.length > columns),
      [],
    );
  });
}

test("shows rate, what is held, sessions in short, use, troubles and refusals", () => {
  const text = topLines(READING, { columns: 80, rows: 50 }).join("\n");
  for (const shown of [
    /^\$1,234\.57\/h over 5 min · 4,321 requests · 17 in flight hold \$12\.50/m,
    / 01234567 /,
    /\$98,765\.43 +\$123\.46/,
    /<\$0\.0001 +100\.0 %|<\$0\.0001 +99\.99? %/,
    /^provider anthropic refused/m,
    /10:20:30 .*request_exceeds_budget/,
  ])
    assert.match(text, shown);
});

test("says where there is nothing to show", () => {
  const nothing = { ...READING, sessions: [], budgets: [], troubles: [], refusals: [] };
  const lines = topLines(nothing, { columns: 80, rows: 24 });
  assert.equal(lines.filter((line) => line.endsWith(": none")).length, 4);
});

test("what a client sends cannot command the terminal", () => {
  const session = "\u001b[2J\u0007evil";
  const [burning] = READING.sessions;
  assert.ok(burning !== undefined);
  const sessions = [{ ...burning, session }];
  const text = topLines({ ...READING, sessions }, { columns: 80, rows: 24 }).join("");
  assert.ok(!/\p{Cc}/u.test(text));
});
