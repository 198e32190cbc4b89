/** Networks of both families, against arithmetic on whole addresses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { networkMatcher } from "./network.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000_000);

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => [...array]);

function v4(address: readonly number[]): string {
  return address.join(".");
}

function v6(address: readonly number[]): string {
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2)
    groups.push((((address[at] ?? 0) << 8) | (address[at + 1] ?? 0)).toString(16));
  return groups.join(":");
}

function sharesPrefix(one: readonly number[], other: readonly number[], bits: number): boolean {
  const binary = (all: readonly number[]) => all.map((byte) => byte.toString(2).padStart(8, "0"));
  return binary(one).join("").slice(0, bits) === binary(other).join("").slice(0, bits);
}

/** Addresses that agree in their first bits more often than chance lets them. */
function near(length: number) {
  return fc
    .tuple(bytes(length), bytes(length), fc.nat(length))
    .map(([one, other, same]) => [one, [...one.slice(0, same), ...other.slice(same)]] as const);
}

test("an address lies in a network where their first bits agree", () => {
  console.log(`seed ${SEED}`);
  const options = { seed: SEED, numRuns: 1_000 };
  fc.assert(
    fc.property(near(4), fc.nat(32), ([network, address], bits) => {
      const matches = networkMatcher(`${v4(network)}/${bits}`);
      const inside = sharesPrefix(network, address, bits);
      assert.equal(matches(v4(address)), inside);
      assert.equal(matches(`::ffff:${v4(address)}`), inside);
      const mapped = networkMatcher(`::ffff:${v4(network)}/${96 + bits}`);
      assert.equal(mapped(v4(address)), inside);
    }),
    options,
  );
  fc.assert(
    fc.property(near(16), fc.nat(128), ([network, address], bits) => {
      const matches = networkMatcher(`${v6(network)}/${bits}`);
      assert.equal(matches(v6(address)), sharesPrefix(network, address, bits));
    }),
    options,
  );
});

test("families do not mix", () => {
  assert.equal(networkMatcher("::/0")("10.0.0.1"), false);
  assert.equal(networkMatcher("0.0.0.0/0")("2001:db8::1"), false);
  assert.equal(networkMatcher("0.0.0.0/0")("::ffff:1.2.3.4"), true);
});

test("single addresses, and what is none", () => {
  assert.equal(networkMatcher("10.1.2.3")("10.1.2.3"), true);
  assert.equal(networkMatcher("::ffff:10.1.2.3")("10.1.2.3"), true);
  assert.equal(networkMatcher("2001:db8::1")("2001:DB8:0::1"), true);
  for (const nothing of ["", "an unknown address", "10.0.0", "10.0.0.1/8"])
    assert.equal(networkMatcher("0.0.0.0/0")(nothing), false);
});
