import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { retryAfterMs } from "./retry-after.ts";

const NOW_MS = Date.parse("2026-11-23T12:00:00Z");
const DAY_MS = 86_400_000;

const GOOGLE = JSON.stringify({
  error: {
    details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "31.5s" }],
  },
});

const CASES: readonly (readonly [string, Record<string, string>, number | null, string?])[] = [
  ["nothing", {}, null],
  ["seconds", { "retry-after": "7" }, 7_000],
  ["a fraction of seconds", { "retry-after": "0.25" }, 250],
  ["nothing to wait", { "retry-after": "0" }, 0],
  ["an HTTP date", { "retry-after": "Mon, 23 Nov 2026 12:01:30 GMT" }, 90_000],
  ["a date that is over", { "retry-after": "Mon, 23 Nov 2026 11:00:00 GMT" }, 0],
  ["milliseconds before seconds", { "retry-after": "7", "retry-after-ms": "6400" }, 6_400],
  ["Azure's milliseconds", { "x-ms-retry-after-ms": "1200" }, 1_200],
  ["more than a day", { "retry-after": "99999999999" }, DAY_MS],
  ["a negative number", { "retry-after": "-5" }, null],
  ["garbage", { "retry-after": "soon" }, null],
  ["a list", { "retry-after": "1, 2" }, null],
  ["an exponent", { "retry-after": "1e9" }, null],
  [
    "Anthropic's limit that is used up",
    {
      "anthropic-ratelimit-requests-remaining": "12",
      "anthropic-ratelimit-requests-reset": "2026-11-23T12:00:01Z",
      "anthropic-ratelimit-tokens-remaining": "0",
      "anthropic-ratelimit-tokens-reset": "2026-11-23T12:00:42Z",
    },
    42_000,
  ],
  [
    "Anthropic's unified limit",
    {
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": String(NOW_MS / 1000 + 600),
    },
    600_000,
  ],
  [
    "Anthropic's limits with something left",
    {
      "anthropic-ratelimit-tokens-remaining": "9",
      "anthropic-ratelimit-tokens-reset": "2026-11-23T12:00:42Z",
    },
    null,
  ],
  [
    "the later of OpenAI's",
    { "x-ratelimit-reset-requests": "20ms", "x-ratelimit-reset-tokens": "6m0s" },
    360_000,
  ],
  ["hours, minutes, fractions", { "x-ratelimit-reset-tokens": "1h2m3.5s" }, 3_723_500],
  ["a Unix time", { "x-ratelimit-reset": String(NOW_MS / 1000 + 30) }, 30_000],
  ["a Unix time in milliseconds", { "x-ratelimit-reset": String(NOW_MS + 30) }, 30],
  ["Google's body", {}, 31_500, GOOGLE],
  ["a header before the body", { "retry-after": "2" }, 2_000, GOOGLE],
];

describe("for how long a provider wants to be left alone", () => {
  for (const [what, headers, expected, body] of CASES) {
    it(what, () => {
      assert.equal(retryAfterMs(headers, NOW_MS, body), expected);
    });
  }

  it("is null or within a day, whatever the headers and the body say", () => {
    const name = fc.constantFrom(
      "retry-after",
      "retry-after-ms",
      "anthropic-ratelimit-tokens-reset",
      "x-ratelimit-reset-tokens",
      "x-ratelimit-reset",
    );
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[0-9.smhd-]{0,70}$/),
      fc.double().map(String),
      fc.date().map(String),
    );
    fc.assert(
      fc.property(fc.dictionary(name, text), fc.string(), (headers, body) => {
        const waitMs = retryAfterMs(headers, NOW_MS, body);
        assert.ok(waitMs === null || (Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= DAY_MS));
      }),
    );
  });
});
