/** Who says no, and with which reason: precedence, the 95 % rule, caps of nothing, and the last steps. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  claimOf,
  claimShortage,
  headroomOf,
  limitShortage,
  tightest,
  type Books,
} from "./decide.ts";
import { climb } from "./ladder.ts";
import { detachedMeter } from "./ledger.ts";
import { newWindow } from "./meter.ts";
import { NO_TOKENS, type Window } from "./state.ts";
import { add, settle, take } from "./window.ts";

const NOW_MS = Date.parse("2026-11-23T10:00:00Z");

interface Counts {
  readonly settled?: bigint;
  readonly held?: bigint;
  /** The cap; null: a budget that is configured no longer. */
  readonly cap?: bigint | null;
}

/** A window of the meter that `id` describes. */
function window(id: string, { settled = 0n, held = 0n, cap = 100n }: Counts): Window {
  const meter = detachedMeter(id);
  meter.cap = cap;
  const session = meter.span?.kind === "session" ? { virtualKey: "ada", name: "s" } : null;
  const made = newWindow(meter, NOW_MS, session);
  add(made, settled, settled, NOW_MS);
  take(made, held, held, NOW_MS);
  return made;
}

const DAY = "virtual_key/ada|usd|day|UTC";
const MONTH = "team/platform|usd|month|UTC";
const TOTAL = "team/platform|usd|total";
const SESSION = "virtual_key/ada|usd|session";
const ROLLING = "virtual_key/ada|usd|rolling|18000000|5h";

describe("one budget", () => {
  const ROWS = [
    ["room to the last nano-dollar", { settled: 40n, held: 50n }, 10n, null],
    ["one too many, and others hold it", { settled: 40n, held: 51n }, 10n, "budget_busy"],
    ["settled alone leaves just enough", { settled: 90n, held: 10n }, 10n, "budget_busy"],
    ["settled alone is too much, at 91 %", { settled: 91n }, 10n, "request_exceeds_budget"],
    ["at 95 % of the cap", { settled: 95n }, 10n, "request_exceeds_budget"],
    ["above 95 %", { settled: 96n }, 10n, "budget_exhausted"],
    ["95 % of an odd cap", { cap: 101n, settled: 95n }, 10n, "request_exceeds_budget"],
    ["just above 95 % of it", { cap: 101n, settled: 96n }, 10n, "budget_exhausted"],
    ["all settled", { settled: 100n }, 1n, "budget_exhausted"],
    ["more than the cap settled", { settled: 130n }, 1n, "budget_exhausted"],
    ["nothing settled, and it can never fit", {}, 101n, "request_exceeds_budget"],
    ["a cap of nothing", { cap: 0n }, 1n, "budget_exhausted"],
    ["a cap of nothing and a need of nothing", { cap: 0n }, 0n, null],
    ["no cap any more", { cap: null, settled: 9n }, 10n ** 15n, null],
  ] as const;
  for (const [when, counts, need, code] of ROWS)
    test(`${when}: ${code ?? "fits"}`, () => {
      assert.equal(
        claimShortage([window(DAY, counts)], claimOf(need), { nowMs: NOW_MS, books: "real" })
          ?.code ?? null,
        code,
      );
    });

  test("shows what is left, below zero too", () => {
    assert.equal(headroomOf(window(DAY, { settled: 90n, held: 30n }), "real"), -20n);
  });
});

describe("several budgets", () => {
  const spent = { settled: 100n };
  const busy = { held: 100n };
  const tooSmall = { cap: 5n };
  const ROWS = [
    [
      "exhausted before exceeded",
      [
        [DAY, tooSmall],
        [MONTH, spent],
      ],
      "budget_exhausted",
      MONTH,
    ],
    [
      "exceeded before busy",
      [
        [DAY, busy],
        [MONTH, tooSmall],
      ],
      "request_exceeds_budget",
      MONTH,
    ],
    [
      "exhausted before busy",
      [
        [DAY, spent],
        [MONTH, busy],
      ],
      "budget_exhausted",
      DAY,
    ],
    [
      "of two exhausted the one that resets last",
      [
        [DAY, spent],
        [MONTH, spent],
      ],
      "budget_exhausted",
      MONTH,
    ],
    [
      "in whichever order",
      [
        [MONTH, spent],
        [DAY, spent],
      ],
      "budget_exhausted",
      MONTH,
    ],
    [
      "total counts as last",
      [
        [TOTAL, spent],
        [MONTH, spent],
      ],
      "budget_exhausted",
      TOTAL,
    ],
    [
      "session counts as last",
      [
        [MONTH, spent],
        [SESSION, spent],
      ],
      "budget_exhausted",
      SESSION,
    ],
    [
      "rolling by when enough has expired: five hours from now",
      [
        [ROLLING, spent],
        [DAY, spent],
      ],
      "budget_exhausted",
      DAY,
    ],
  ] as const;
  for (const [rule, parts, code, id] of ROWS)
    test(rule, () => {
      const windows = parts.map(([meter, counts]) => window(meter, counts));
      const shortage = claimShortage(windows, claimOf(10n), { nowMs: NOW_MS, books: "real" });
      assert.deepEqual([shortage?.code, shortage?.window.meter.id], [code, id]);
    });

  test("the tightest is the one with the least left; limits are none", () => {
    const windows = [
      window(MONTH, { settled: 50n }),
      window(DAY, { settled: 60n, held: 5n }),
      window("virtual_key/ada|requests|minute|UTC", { cap: 1n }),
    ];
    const least = tightest(windows, "real");
    assert.deepEqual([least?.headroom, least?.inFlight], [35n, 1]);
    assert.equal(least?.window.meter.unit, "usd");
    assert.equal(tightest([window(DAY, { cap: null })], "real"), null);
  });
});

describe("limits", () => {
  const REQUESTS = "virtual_key/ada|requests|minute|UTC";
  const HOURLY = "team/platform|requests|hour|UTC";
  const TOKENS = "provider_key/up/main|input_tokens|hour|UTC";
  const AT_ONCE = "virtual_key/ada|concurrent|now";
  const BUCKET = "virtual_key/ada|requests|minute|UTC|burst:2";

  const ROWS = [
    ["the last request fits", [[REQUESTS, { cap: 3n, settled: 1n, held: 1n }]], null],
    ["one more does not", [[REQUESTS, { cap: 3n, settled: 2n, held: 1n }]], "rate_limited"],
    [
      "an account's tokens count once they are settled",
      [[TOKENS, { cap: 10n, settled: 9n }]],
      null,
    ],
    ["until they are all there", [[TOKENS, { cap: 10n, settled: 10n }]], "rate_limited"],
    ["the last one at once", [[AT_ONCE, { cap: 2n, held: 1n }]], null],
    ["one more at once does not", [[AT_ONCE, { cap: 2n, held: 2n }]], "concurrency_limited"],
    ["a bucket with two tokens left", [[BUCKET, { held: 0n }]], null],
    ["with one", [[BUCKET, { held: 1n }]], null],
    ["with none", [[BUCKET, { held: 2n }]], "rate_limited"],
    ["none allowed", [[REQUESTS, { cap: 0n }]], "rate_limited"],
    [
      "rates come first",
      [
        [AT_ONCE, { cap: 0n }],
        [REQUESTS, { cap: 0n }],
      ],
      "rate_limited",
    ],
    ["budgets are none", [[DAY, { cap: 0n }]], null],
  ] as const;
  for (const [when, parts, code] of ROWS)
    test(`${when}: ${code ?? "fits"}`, () => {
      const windows = parts.map(([id, counts]) => window(id, counts));
      assert.equal(limitShortage(windows, NOW_MS, "real")?.code ?? null, code);
    });

  test("of several the one that resets last, and when", () => {
    const windows = [HOURLY, REQUESTS].map((id) => window(id, { cap: 1n, settled: 1n }));
    const shortage = limitShortage(windows, NOW_MS, "real");
    assert.equal(shortage?.window.meter.id, HOURLY);
    assert.equal(shortage?.resetMs, Date.parse("2026-11-23T11:00:00Z"));
  });

  test("the chain's own come before those of the provider's key", () => {
    const account = window("provider_key/up/main|requests|hour|UTC", { cap: 0n });
    const own = window(AT_ONCE, { cap: 0n });
    const told = (windows: Window[]) => limitShortage(windows, NOW_MS, "real");
    assert.equal(told([own, account])?.code, "concurrency_limited");
    assert.equal(told([account])?.code, "rate_limited");
  });

  const ROLLING_ROWS = [
    ["when its settled requests have left", { cap: 3n, settled: 3n }],
    ["as late where one is in flight", { cap: 3n, settled: 2n, held: 1n }],
    ["a span from now where all are", { cap: 3n, held: 3n }],
  ] as const;
  for (const [when, counts] of ROLLING_ROWS)
    test(`a rolling limit has room ${when}`, () => {
      const short = window("virtual_key/ada|requests|rolling|60000|60s", counts);
      const { resetMs } = limitShortage([short], NOW_MS, "real") ?? assert.fail();
      assert.ok(resetMs !== null && resetMs >= NOW_MS + 60_000 && resetMs <= NOW_MS + 61_000);
    });

  test("a limit of none never has room", () => {
    for (const id of ["virtual_key/ada|requests|rolling|60000|60s", HOURLY]) {
      const short = window(id, { cap: 0n });
      assert.equal(limitShortage([short], NOW_MS, "real")?.resetMs, null);
    }
  });

  test("a token bucket has room when its next token has come", () => {
    const short = window(BUCKET, { cap: 60n, held: 2n });
    assert.equal(limitShortage([short], NOW_MS, "real")?.resetMs, NOW_MS + 1000);
  });

  test("the shadow counts what enforcement would have admitted", () => {
    const windows = [window(BUCKET, { held: 1n }), window(AT_ONCE, { cap: 2n, held: 1n })];
    for (const one of windows) take(one, 1n, null, NOW_MS);
    const code = (books: Books) => limitShortage(windows, NOW_MS, books)?.code ?? null;
    assert.deepEqual([code("real"), code("shadow")], ["rate_limited", null]);
  });
});

describe("a limit that holds by reservation", () => {
  const INPUT = "virtual_key/ada|input_tokens|hour|UTC";
  const OUTPUT = "team/platform|output_tokens|rolling|60000|60s";
  const COST = "customer/acme|cost|total";
  const BUCKET = "virtual_key/ada|output_tokens|minute|UTC|burst:50";
  const HOUR_MS = Date.parse("2026-11-23T11:00:00Z");
  const claim = claimOf(30n, { input: 20, output: 10 });

  const ROWS = [
    ["room to the last token", INPUT, { settled: 40n, held: 40n }, null],
    ["one too many, and others hold it", INPUT, { settled: 40n, held: 41n }, "limit_busy"],
    ["settled alone leaves too little", INPUT, { settled: 81n }, HOUR_MS],
    ["more than the limit", INPUT, { cap: 19n }, "never"],
    ["output in a rolling window", OUTPUT, { settled: 90n }, null],
    ["cost as money", COST, { settled: 70n }, null],
    ["nothing ever comes back", COST, { settled: 71n }, "never"],
    ["cost beside what others hold", COST, { settled: 40n, held: 31n }, "limit_busy"],
    ["a bucket's last tokens", BUCKET, { held: 40n }, null],
    ["a bucket that others have emptied", BUCKET, { held: 41n }, "limit_busy"],
  ] as const;
  for (const [when, id, counts, told] of ROWS)
    test(`${when}: ${told ?? "fits"}`, () => {
      const at = { nowMs: NOW_MS, books: "real" } as const;
      const shortage = claimShortage([window(id, counts)], claim, at);
      if (told === null) return assert.equal(shortage, null);
      const resetMs = typeof told === "number" ? told : null;
      const code = told === "limit_busy" ? "limit_busy" : "rate_limited";
      return assert.deepEqual(
        { code: shortage?.code, resetMs: shortage?.resetMs },
        { code, resetMs },
      );
    });

  test("a bucket has room when what is missing has come", () => {
    const short = window(BUCKET, { cap: 60n, held: 45n });
    settle(short, { held: 45n, shadowHeld: 45n, settled: 45n, admittedMs: NOW_MS });
    const shortage = claimShortage([short], claim, { nowMs: NOW_MS, books: "real" });
    assert.equal(shortage?.resetMs, NOW_MS + 5_000);
  });

  test("a rate comes before a budget, and what only others hold after both", () => {
    const told = (...windows: Window[]) =>
      claimShortage(windows, claim, { nowMs: NOW_MS, books: "real" })?.code;
    const spent = window(DAY, { settled: 100n });
    assert.equal(told(spent, window(INPUT, { settled: 99n })), "rate_limited");
    assert.equal(told(window(INPUT, { held: 99n }), spent), "budget_exhausted");
    assert.equal(told(window(INPUT, { held: 99n }), window(DAY, { held: 99n })), "budget_busy");
  });

  test("is told instead of a count that has room sooner", () => {
    const requests = window("virtual_key/ada|requests|minute|UTC", { cap: 1n, settled: 1n });
    const tokens = window(INPUT, { settled: 99n });
    const told = limitShortage([requests, tokens], NOW_MS, "real", () => claim);
    assert.equal(told?.window, tokens);
    assert.equal(
      limitShortage([tokens], NOW_MS, "real", () => claim),
      null,
    );
  });

  test("lets the last request over where it may, one at a time", () => {
    const short = window(OUTPUT, { settled: 93n });
    short.meter.overshoot = "last_request";
    const likely = { ...claim, likelyTokens: () => ({ input: 1, output: 7 }) };
    const told = () => claimShortage([short], likely, { nowMs: NOW_MS, books: "real" })?.code;
    assert.equal(told(), undefined);
    short.overshootBy = "req_1/1";
    assert.equal(told(), "limit_busy");
  });

  test("lowers the answer step by step", () => {
    const rung = climb({
      windows: [window(OUTPUT, { cap: 20_000n })],
      books: "real",
      nowMs: NOW_MS,
      asked: 128_000,
      floor: 1,
      compaction: false,
      claimFor: (maxTokens) => claimOf(0n, { input: 10, output: maxTokens }),
    });
    assert.equal(rung.fits && rung.maxTokens, 16_000);
  });
});

describe("the ladder", () => {
  const ask = {
    books: "real" as const,
    nowMs: NOW_MS,
    asked: 128_000,
    floor: 1,
    compaction: false,
    claimFor: (maxTokens: number) => claimOf(1_000n + BigInt(maxTokens)),
  };

  test("without any budget: as asked", () => {
    const rung = climb({ ...ask, windows: [] });
    assert.deepEqual(rung, { fits: true, maxTokens: 128_000, need: 129_000n, tokens: NO_TOKENS });
  });

  const ROWS = [
    ["8k fits", { cap: 9_000n }, 8_000],
    ["4k instead of a refusal", { cap: 5_000n }, 4_000],
    ["2k instead of a refusal", { cap: 4_999n }, 2_000],
    ["nothing fits", { cap: 2_999n }, "request_exceeds_budget"],
    ["never a smaller answer instead of a wait", { cap: 9_000n, held: 1n }, "budget_busy"],
    ["busy at 4k beats a refusal at 8k", { cap: 6_000n, held: 2_000n }, "budget_busy"],
    ["exhausted is told of the floor", { cap: 9_000n, settled: 8_999n }, "budget_exhausted"],
  ] as const;
  for (const [when, counts, expected] of ROWS)
    test(`${when}: ${expected}`, () => {
      const rung = climb({ ...ask, windows: [window(DAY, counts)] });
      assert.equal(rung.fits ? rung.maxTokens : rung.shortage.code, expected);
    });
});

describe("a budget that lets the last request over", () => {
  const ROWS = [
    ["it probably fits, and nobody is over", { settled: 40n, held: 57n }, null, null],
    ["the last of the cap", { settled: 97n }, null, null],
    ["it probably fits once others settle", { settled: 40n, held: 58n }, null, "budget_busy"],
    ["nothing left beside what is held", { settled: 40n, held: 60n }, null, "budget_busy"],
    ["another is over already", { settled: 40n, held: 57n }, "req_1/1", "budget_busy"],
    [
      "another is over, and this one needs the rest",
      { settled: 97n, held: 3n },
      "r/1",
      "budget_busy",
    ],
    ["it probably does not fit", { settled: 98n }, null, "budget_exhausted"],
    [
      "it probably does not fit, and much is left",
      { cap: 12n, settled: 10n },
      null,
      "request_exceeds_budget",
    ],
    ["all settled", { settled: 100n }, null, "budget_exhausted"],
  ] as const;
  for (const [when, counts, overshootBy, code] of ROWS)
    test(`${when}: ${code ?? "fits"}`, () => {
      const made = window(DAY, counts);
      made.meter.overshoot = "last_request";
      made.overshootBy = overshootBy;
      const claim = { ...claimOf(10n), likely: () => 3n };
      assert.equal(
        claimShortage([made], claim, { nowMs: NOW_MS, books: "real" })?.code ?? null,
        code,
      );
    });
});
