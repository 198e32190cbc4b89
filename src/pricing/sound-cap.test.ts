/** The recommended caps against the figures that the ledger's design gives. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatUsd } from "../core/money.ts";
import { createPriceBook } from "./price-book.ts";
import { smallestSoundCap } from "./sound-cap.ts";

const NOVEMBER = Date.parse("2026-11-20T12:00:00Z");
const book = createPriceBook([]);

const CASES = [
  ["claude-opus-5-5", 100_000, "5m", "10.8"],
  ["claude-opus-5-5", 200_000, "5m", "20.8"],
  ["claude-opus-5-5", 300_000, "5m", "30.8"],
  ["claude-opus-5-5", 900_000, "5m", "90.8"],
  ["claude-opus-5-5", 100_000, "1h", "16.8"],
  ["claude-sonnet-5-5", 100_000, "5m", "5.4"],
  ["claude-fable-5-2", 100_000, "5m", "21.6"],
  ["claude-haiku-5-5", 100_000, "5m", "0.27"],
  ["claude-haiku-5-5", 100_001, "5m", "1.3500125"],
] as const;

for (const [model, contextTokens, markers, usd] of CASES) {
  test(`${model} at ${contextTokens} tokens with ${markers} writes wants a cap of $${usd}`, () => {
    const price = book.resolve(model, NOVEMBER);
    assert.equal(formatUsd(smallestSoundCap(price, { contextTokens, markers })), usd);
  });
}
