/** What the client is told for each reason and span: the whole sentence, and the exact headers. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { REFUSALS } from "../core/refusal.ts";
import type { Shortage, ShortageCode } from "../ledger/decide.ts";
import { detachedMeter } from "../ledger/ledger.ts";
import { newWindow } from "../ledger/meter.ts";
import type { Window } from "../ledger/state.ts";
import { add, take } from "../ledger/window.ts";
import { explainShortage } from "./explain.ts";

const NOW_MS = Date.parse("2026-11-23T10:00:00.250Z");
const USD = 1_000_000_000n;

interface Case {
  readonly id: string;
  readonly code: ShortageCode;
  readonly cap?: bigint;
  readonly settled?: bigint;
  readonly held?: bigint;
  /** When it has room again; left out: the window's end. */
  readonly reset?: string | null;
  /** What was asked of a limit that holds by reservation. */
  readonly asked?: bigint;
}

function windowOf({ id, cap = 30n * USD, settled = 0n, held = 0n }: Case): Window {
  const meter = detachedMeter(id);
  meter.cap = cap;
  const session = meter.span?.kind === "session" ? { virtualKey: "ada", name: "s" } : null;
  const window = newWindow(meter, NOW_MS, session);
  add(window, settled, settled, NOW_MS);
  take(window, held, held, NOW_MS);
  return window;
}

function explain(of: Case) {
  const window = windowOf(of);
  const { reset = window.endMs } = of;
  const resetMs = typeof reset === "string" ? Date.parse(reset) : reset;
  const { code, asked } = of;
  const shortage: Shortage = { code, window, resetMs, ...(asked === undefined ? {} : { asked }) };
  return explainShortage(shortage, "real", NOW_MS);
}

const increase = "ask your platform team for an increase";
const SENTENCES: readonly (readonly [of: Case, sentence: string])[] = [
  [
    { id: "virtual_key/ada|usd|day|UTC", code: "budget_exhausted" },
    `The daily budget of key ada ($30) is used up; it resets at 2026-11-24 00:00 UTC; ${increase} or use another key.`,
  ],
  [
    { id: "virtual_key/ada|usd|week|America/New_York", code: "budget_exhausted" },
    `The weekly budget of key ada ($30) is used up; it resets at 2026-11-30 00:00 America/New_York; ${increase} or use another key.`,
  ],
  [
    { id: "team/platform|usd|month|Europe/Berlin", code: "budget_exhausted", cap: 4000n * USD },
    `The monthly budget of team platform ($4000) is used up; it resets at 2026-12-01 00:00 Europe/Berlin; ${increase}.`,
  ],
  [
    { id: "customer/acme|usd|hour|UTC", code: "budget_exhausted" },
    `The hourly budget of customer acme ($30) is used up; it resets at 2026-11-23 11:00 UTC; ${increase}.`,
  ],
  [
    { id: "owner/ada@acme.example|usd|minute|UTC", code: "budget_exhausted", cap: USD / 2n },
    `The per-minute budget of owner ada@acme.example ($0.50) is used up; it resets in 60 s; ${increase}.`,
  ],
  [
    { id: "virtual_key/ada|usd|second|UTC", code: "budget_exhausted", cap: 2_500_000n },
    `The per-second budget of key ada ($0.0025) is used up; it resets in 1 s; ${increase} or use another key.`,
  ],
  [
    { id: "provider_config/ada/anthropic|usd|day|UTC", code: "budget_exhausted" },
    `The daily budget of provider config ada/anthropic ($30) is used up; it resets at 2026-11-24 00:00 UTC; ${increase} or choose a model of another provider.`,
  ],
  [
    {
      id: "virtual_key/ada|usd|rolling|18000000|5h",
      code: "budget_exhausted",
      reset: "2026-11-23T12:35:00.001Z",
    },
    `The rolling 5-hour budget of key ada ($30) is used up; it resets at 2026-11-23 12:36 UTC; ${increase} or use another key.`,
  ],
  [
    {
      id: "team/platform|usd|rolling|90000|90s",
      code: "budget_exhausted",
      reset: "2026-11-23T10:00:37Z",
    },
    `The rolling 90-second budget of team platform ($30) is used up; it resets in 37 s; ${increase}.`,
  ],
  [
    {
      id: "team/platform|usd|rolling|604800000|7d",
      code: "budget_exhausted",
      reset: "2026-11-25T07:00:00Z",
    },
    `The rolling 7-day budget of team platform ($30) is used up; it resets at 2026-11-25 07:00 UTC; ${increase}.`,
  ],
  [
    { id: "team/platform|usd|total", code: "budget_exhausted" },
    `The total budget of team platform ($30) is used up; it does not reset; ${increase}.`,
  ],
  [
    { id: "virtual_key/ada|usd|session", code: "budget_exhausted", cap: 10n * USD },
    `The session budget of key ada ($10) is used up; it does not reset; start a new session or ${increase}.`,
  ],
  [
    { id: "virtual_key/ada|usd|total", code: "budget_exhausted", cap: 0n },
    `The total budget of key ada ($0) allows no spending; it does not reset; ${increase} or use another key.`,
  ],
  [
    { id: "virtual_key/ada|usd|day|UTC", code: "request_exceeds_budget", settled: 28_876_543_211n },
    "The daily budget of key ada ($30) has $1.12 left, which this request's context does not fit into; a smaller request can still fit; use /compact or /clear, or a smaller model.",
  ],
  [
    { id: "virtual_key/ada|usd|session", code: "request_exceeds_budget", settled: 29n * USD },
    "The session budget of key ada ($30) has $1 left, which this request's context does not fit into; a smaller request can still fit; use /compact or /clear, or a smaller model.",
  ],
  [
    { id: "virtual_key/ada|usd|day|UTC", code: "request_exceeds_budget", cap: 9_999_999n },
    "The daily budget of key ada ($0.009999999) has less than $0.01 left, which this request's context does not fit into; a smaller request can still fit; use /compact or /clear, or a smaller model.",
  ],
  [
    { id: "virtual_key/ada|usd|day|UTC", code: "request_exceeds_budget", held: 30n * USD },
    "The daily budget of key ada ($30) has nothing left beside what requests in flight hold; a smaller request can still fit; use /compact or /clear, or a smaller model.",
  ],
  [
    { id: "team/platform|usd|month|UTC", code: "budget_busy", held: 30n * USD },
    "The monthly budget of team platform ($30) has no room beside what requests in flight hold; room comes when they settle; try again in a moment.",
  ],
  [
    { id: "team/platform|requests|minute|UTC", code: "rate_limited", cap: 600n },
    "Team platform has used its limit of 600 requests per minute; room comes in 60 s; wait, or ask your platform team for a higher limit.",
  ],
  [
    { id: "virtual_key/ada|requests|hour|UTC", code: "rate_limited", cap: 1n },
    "Key ada has used its limit of 1 request per hour; room comes at 2026-11-23 11:00 UTC; wait, or ask your platform team for a higher limit.",
  ],
  [
    { id: "owner/ada@acme.example|input_tokens|day|Asia/Tokyo", code: "rate_limited", cap: 5_000n },
    "Owner ada@acme.example has used its limit of 5000 input tokens per day; room comes at 2026-11-24 00:00 Asia/Tokyo; wait, or ask your platform team for a higher limit.",
  ],
  [
    {
      id: "virtual_key/ada|output_tokens|minute|UTC|burst:9",
      code: "rate_limited",
      cap: 0n,
      reset: null,
    },
    "Key ada has used its limit of 0 output tokens per minute; none comes back; wait, or ask your platform team for a higher limit.",
  ],
  [
    {
      id: "virtual_key/ada|input_tokens|hour|UTC",
      code: "rate_limited",
      cap: 5_000n,
      settled: 4_000n,
      asked: 2_500n,
    },
    "Key ada has 1000 input tokens left of its limit of 5000 input tokens per hour, and this request needs up to 2500 input tokens; room comes at 2026-11-23 11:00 UTC; wait, or ask your platform team for a higher limit.",
  ],
  [
    {
      id: "team/platform|cost|day|UTC",
      code: "rate_limited",
      cap: 5n * USD,
      settled: 5n * USD,
      asked: USD,
    },
    "Team platform has used its limit of $5 per day; room comes at 2026-11-24 00:00 UTC; wait, or ask your platform team for a higher limit.",
  ],
  [
    {
      id: "team/platform|cost|minute|UTC|burst:2000000000",
      code: "rate_limited",
      cap: 5n * USD,
      reset: null,
      asked: 3n * USD,
    },
    "Team platform has a limit of $5 per minute; this request needs up to $3, and one of $2 would fit; use /compact or /clear, or ask your platform team for a higher limit.",
  ],
  [
    {
      id: "virtual_key/ada|output_tokens|session",
      code: "rate_limited",
      cap: 9_000n,
      settled: 9_000n,
      reset: null,
      asked: 10n,
    },
    "Key ada has nothing left of its limit of 9000 output tokens per session, and this request needs up to 10 output tokens; none comes back; start a new session or ask your platform team for a higher limit.",
  ],
  [
    { id: "team/platform|concurrent|now", code: "concurrency_limited", cap: 200n, reset: null },
    "Team platform has 200 requests in flight, all that it may have at once; room comes when one of them ends; try again in a moment.",
  ],
  [
    { id: "provider_key/up/main|requests|minute|UTC", code: "rate_limited", cap: 50n },
    "Provider up is at the capacity that is configured for it; room comes in 60 s; wait, or ask your platform team for more capacity.",
  ],
  [
    { id: "provider_key/up/main|requests|total", code: "rate_limited", cap: 0n, reset: null },
    "Provider up is at the capacity that is configured for it; none comes back by itself; wait, or ask your platform team for more capacity.",
  ],
];

describe("the sentence", () => {
  for (const [of, sentence] of SENTENCES)
    test(`${of.code} of ${of.id}`, () => {
      const refused = explain(of);
      assert.equal(refused.message, sentence);
      assert.equal(refused.code, of.code);
    });

  test("is one, of three parts", () => {
    for (const [of] of SENTENCES) {
      const { message } = explain(of);
      assert.match(message, /^[^;]+; [^;]+; [^;]+\.$/);
      assert.match(message, /^[A-Z]/);
    }
  });
});

describe("the headers of an exhausted budget", () => {
  const UNIFIED = "anthropic-ratelimit-unified";
  const always = {
    "x-should-retry": "false",
    [`${UNIFIED}-status`]: "rejected",
    [`${UNIFIED}-overage-utilization`]: "1",
    [`${UNIFIED}-overage-surpassed-threshold`]: "1",
    [`${UNIFIED}-overage-disabled-reason`]: "org_spend_cap_reached",
  };
  function resets(text: string, seconds: number) {
    const unix = String(Date.parse(text) / 1000);
    return {
      "retry-after": String(seconds),
      [`${UNIFIED}-reset`]: unix,
      [`${UNIFIED}-overage-reset`]: unix,
    };
  }
  const period = (word: string) => ({ [`${UNIFIED}-overage-period`]: word });
  const shared = { [`${UNIFIED}-overage-scope`]: "group_pool" };
  const midnight = resets("2026-11-24T00:00:00Z", 50_400);
  const eleven = resets("2026-11-23T11:00:00Z", 3_600);

  const ROWS: readonly (readonly [id: string, headers: object, reset?: string])[] = [
    ["virtual_key/ada|usd|day|UTC", { ...midnight, ...period("daily") }],
    ["owner/ada|usd|day|UTC", { ...midnight, ...period("daily") }],
    ["provider_config/ada/anthropic|usd|day|UTC", { ...midnight, ...period("daily") }],
    ["team/platform|usd|day|UTC", { ...midnight, ...period("daily"), ...shared }],
    ["customer/acme|usd|day|UTC", { ...midnight, ...period("daily"), ...shared }],
    [
      "virtual_key/ada|usd|week|UTC",
      { ...resets("2026-11-30T00:00:00Z", 568_800), ...period("weekly") },
    ],
    [
      "virtual_key/ada|usd|month|Europe/Berlin",
      { ...resets("2026-11-30T23:00:00Z", 651_600), ...period("monthly") },
    ],
    ["virtual_key/ada|usd|hour|UTC", eleven],
    ["team/platform|usd|hour|UTC", { ...eleven, ...shared }],
    ["virtual_key/ada|usd|total", {}],
    ["team/platform|usd|total", shared],
    ["virtual_key/ada|usd|session", {}],
    ["team/platform|usd|session", {}],
    [
      "virtual_key/ada|usd|rolling|18000000|5h",
      resets("2026-11-23T12:35:00Z", 9_300),
      "2026-11-23T12:34:59.251Z",
    ],
  ];
  for (const [id, headers, reset] of ROWS)
    test(id, () => {
      const of: Case = { id, code: "budget_exhausted", ...(reset === undefined ? {} : { reset }) };
      assert.deepEqual(explain(of).headers, { ...always, ...headers });
    });
});

test("the refusal is by the scope that has the cap, and by none where that is an account", () => {
  const by = (id: string) => explain({ id, code: "rate_limited", reset: null }).by;
  assert.equal(by("provider_config/ada/up|requests|total"), "provider_config/ada/up");
  assert.equal(by("provider_key/up/main|requests|total"), undefined);
});

test("a limit that others' holds fill is told as a rate", () => {
  const refused = explain({ id: "team/a|cost|day|UTC", code: "limit_busy", cap: USD, reset: null });
  assert.deepEqual([refused.code, refused.headers], ["rate_limited", { "retry-after": "5" }]);
  assert.match(refused.message, /^Team a has no room in its limit of \$1 per day beside/);
});

test("what a provider's key has in flight is told as a limit of the provider", () => {
  const refused = explain({
    id: "provider_key/up/main|concurrent|now",
    code: "concurrency_limited",
    reset: null,
  });
  assert.equal(refused.code, "rate_limited");
  assert.match(refused.message, /^Provider up is at the capacity .* room comes in 2 s;/);
});

describe("the headers of other refusals", () => {
  const DAY = "virtual_key/ada|usd|day|UTC";
  const ROWS: readonly (readonly [of: Case, headers: object])[] = [
    [{ id: DAY, code: "request_exceeds_budget" }, { "x-should-retry": "false" }],
    [{ id: DAY, code: "budget_busy", reset: null }, { "retry-after": "5" }],
    [{ id: "team/a|concurrent|now", code: "concurrency_limited" }, { "retry-after": "2" }],
    [{ id: "team/a|requests|minute|UTC", code: "rate_limited" }, { "retry-after": "60" }],
    [
      { id: "provider_key/a/b|concurrent|now", code: "concurrency_limited" },
      { "retry-after": "2" },
    ],
    [
      { id: "provider_key/a/b|requests|total", code: "rate_limited", reset: null },
      { "retry-after": "3600" },
    ],
    [
      { id: "team/a|requests|minute|UTC", code: "rate_limited", reset: "2026-11-23T10:00:00.251Z" },
      { "retry-after": "1" },
    ],
    [
      { id: "team/a|requests|minute|UTC|burst:1", code: "rate_limited", reset: null },
      { "retry-after": "3600" },
    ],
  ];
  for (const [of, headers] of ROWS)
    test(`${of.code}: ${JSON.stringify(headers)}`, () => {
      assert.deepEqual(explain(of).headers, headers);
    });

  test("each code has the status and type of its table", () => {
    const of = (code: Exclude<ShortageCode, "limit_busy">) => [
      REFUSALS[code].status,
      REFUSALS[code].type,
    ];
    assert.deepEqual(of("budget_exhausted"), [429, "billing_error"]);
    assert.deepEqual(of("request_exceeds_budget"), [429, "billing_error"]);
    for (const code of ["budget_busy", "rate_limited", "concurrency_limited"] as const)
      assert.deepEqual(of(code), [429, "rate_limit_error"]);
  });
});
