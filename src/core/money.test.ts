/** Money is read and printed without losing a nano-dollar, and bounds are rounded up. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatUsd, nanoUsd, parseUsd, roundUp } from "./money.ts";

const amount = fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n });

describe("amounts of dollars", () => {
  test("what is printed is read back, exactly", () => {
    fc.assert(
      fc.property(amount, (nano) => assert.equal(parseUsd(formatUsd(nanoUsd(nano))), nano)),
      { numRuns: 1000 },
    );
  });

  test("what is read is printed in its shortest form", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789".split("")), maxLength: 9 });
    fc.assert(
      fc.property(fc.nat(), digits, (whole, fraction) => {
        const parsed = parseUsd(fraction === "" ? `${whole}` : `${whole}.${fraction}`);
        assert.ok(parsed !== null);
        const shortest = fraction.replace(/0+$/, "");
        assert.equal(formatUsd(parsed), shortest === "" ? `${whole}` : `${whole}.${shortest}`);
      }),
    );
  });

  test("order is kept by reading", () => {
    fc.assert(
      fc.property(amount, amount, (one, other) => {
        const [left, right] = [one, other].map((nano) => parseUsd(formatUsd(nanoUsd(nano))) ?? 0n);
        assert.equal((left ?? 0n) < (right ?? 0n), one < other);
      }),
    );
  });

  const ROWS = [
    ["0", 0n],
    ["-0", 0n],
    ["30", 30_000_000_000n],
    ["0.05", 50_000_000n],
    ["0.000000001", 1n],
    ["-0.000000001", -1n],
    ["007.10", 7_100_000_000n],
    ["9000000000.123456789", 9_000_000_000_123_456_789n],
  ] as const;
  for (const [text, nano] of ROWS)
    test(`${text} is ${nano} nano-dollars`, () => assert.equal(parseUsd(text), nano));

  const NONE = [
    "",
    " 1",
    "1 ",
    "+1",
    "1.",
    ".5",
    "1,5",
    "1e3",
    "0x1",
    "--1",
    "1.0000000001",
    "NaN",
  ];
  for (const text of [...NONE, "Infinity", "1.5.5", "١", "1_000", "$5"])
    test(`"${text}" is no amount`, () => assert.equal(parseUsd(text), null));
});

describe("rounding of pico-dollars up", () => {
  const ROWS = [
    [0n, 0n],
    [1n, 1n],
    [999n, 1n],
    [1_000n, 1n],
    [1_001n, 2n],
  ] as const;
  for (const [pico, nano] of ROWS)
    test(`${pico} is ${nano}`, () => assert.equal(roundUp(pico), nano));

  test("a bound is never too small, and never by a whole nano-dollar too large", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 20n), (pico) => {
        const bound = roundUp(pico);
        assert.ok(bound * 1000n >= pico && (bound - 1n) * 1000n < pico);
      }),
    );
  });
});
