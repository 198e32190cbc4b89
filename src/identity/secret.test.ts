/** Secrets are recognised and told from typing errors. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { claimsToBeKey, looksMistyped, newSecret } from "./secret.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

describe("a generated secret", () => {
  test("is a key in its form, and not mistyped", () => {
    for (let count = 0; count < 200; count++) {
      const secret = newSecret();
      assert.match(secret, /^vk_[0-9A-Za-z]{49}$/);
      assert.ok(claimsToBeKey(secret) && !looksMistyped(secret));
    }
  });

  test("is never made twice", () => {
    const made = new Set(Array.from({ length: 5_000 }, newSecret));
    assert.equal(made.size, 5_000);
  });

  test("with any one character changed is mistyped", () => {
    for (let count = 0; count < 3; count++) {
      const secret = newSecret();
      for (let at = "vk_".length; at < secret.length; at++)
        for (const character of ALPHABET) {
          const typed = secret.slice(0, at) + character + secret.slice(at + 1);
          assert.equal(looksMistyped(typed), typed !== secret, `${at} ${character}`);
        }
    }
  });

  test("with two neighbours exchanged is mistyped", () => {
    for (let count = 0; count < 50; count++) {
      const secret = newSecret();
      for (let at = "vk_".length; at < secret.length - 1; at++) {
        const typed = secret.slice(0, at) + secret[at + 1] + secret[at] + secret.slice(at + 2);
        assert.equal(looksMistyped(typed), typed !== secret);
      }
    }
  });

  test("with a piece missing is not called mistyped: nothing says that it was generated", () => {
    const secret = newSecret();
    assert.ok(!looksMistyped(secret.slice(0, -1)) && !looksMistyped(`${secret}0`));
  });
});

describe("what claims to be a key", () => {
  const ROWS = [
    ["vk_", true],
    ["vk_%", true],
    ["sk-ant-api03-x", false],
    ["VK_x", false],
    ["", false],
  ] as const;
  for (const [value, claims] of ROWS)
    test(`"${value}": ${claims}`, () => assert.equal(claimsToBeKey(value), claims));

  test("is judged without error, and seldom called mistyped where nobody generated it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        if (text.length !== 49) assert.ok(!looksMistyped(`vk_${text}`));
      }),
    );
    assert.ok(!looksMistyped(`vk_${"a".repeat(48)}`) && !looksMistyped(`vk_${"ü".repeat(49)}`));
  });
});
