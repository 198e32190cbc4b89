/** Cursors: what was given out is read back, and nothing else is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatCursor, parseCursor } from "./cursor.ts";

const seed = 20261123;

test("a cursor reads back as the place that it was made of", () => {
  const timeMs = fc.integer({ min: -8.64e15, max: 8.64e15 });
  fc.assert(
    fc.property(timeMs, fc.maxSafeNat(), (time, seq) => {
      const place = { timeMs: time, seq };
      assert.deepEqual(parseCursor(formatCursor(place)), place);
    }),
    { seed },
  );
});

test("text that no list gave out is no cursor", () => {
  fc.assert(
    fc.property(fc.string(), (text) => assert.equal(parseCursor(text), null)),
    { seed },
  );
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, unit: fc.constantFrom("r", "1", ":", "-", "0", " ", "=") }),
      (text) => {
        const encoded = Buffer.from(text).toString("base64url");
        const place = parseCursor(encoded);
        if (place !== null) assert.equal(formatCursor(place), encoded);
      },
    ),
    { seed },
  );
});
