import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clientAddress } from "./client-address.ts";

const LAN = ["10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48", "::1"];
const CLIENT = "203.0.113.9";

/** The peer, `X-Forwarded-For`, and whose address that is. */
const CASES: readonly (readonly [what: string, peer: string, header: string, client: string])[] = [
  ["one proxy", "10.1.2.3", CLIENT, CLIENT],
  ["a chain of proxies", "10.0.0.1", `${CLIENT}, 10.0.0.3, 192.0.2.7`, CLIENT],
  ["what the client wrote before", "10.0.0.1", `198.51.100.1, 10.0.0.9, ${CLIENT}`, CLIENT],
  ["a peer that nobody trusts", CLIENT, "198.51.100.1", CLIENT],
  ["a neighbour of a trusted address", "192.0.2.8", CLIENT, "192.0.2.8"],
  ["the network's last address", "10.255.255.255", CLIENT, CLIENT],
  ["the address after it", "11.0.0.0", CLIENT, "11.0.0.0"],
  ["proxies alone", "10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"],
  ["a mapped peer", "::ffff:10.1.2.3", CLIENT, CLIENT],
  ["a mapped peer in hexadecimal", "::FFFF:0a01:0203", CLIENT, CLIENT],
  ["a mapped peer that nobody trusts", "::ffff:203.0.113.9", "198.51.100.1", CLIENT],
  ["a mapped entry", "10.0.0.1", "::ffff:203.0.113.9", CLIENT],
  ["an IPv6 proxy", "2001:db8:1:ffff::1", "2001:db8:2::5", "2001:db8:2::5"],
  ["IPv6 outside the network", "2001:db8:2::1", CLIENT, "2001:db8:2::1"],
  ["the loopback interface", "::1", CLIENT, CLIENT],
  ["a zone", "fe80::1%eth0", CLIENT, "fe80::1"],
  ["IPv4 with a port", "10.0.0.1", `${CLIENT}:51312`, CLIENT],
  ["IPv6 with a port", "10.0.0.1", "[2001:db8:2::5]:443", "2001:db8:2::5"],
  ["IPv6 in brackets", "10.0.0.1", "[2001:db8:2::5]", "2001:db8:2::5"],
  ["quotes", "10.0.0.1", '"[2001:db8:2::5]:443"', "2001:db8:2::5"],
  ["no spaces", "10.0.0.1", `${CLIENT},10.0.0.2`, CLIENT],
  ["many spaces and tabs", "10.0.0.1", ` \t${CLIENT} ,\t 10.0.0.2 `, CLIENT],
  ["an unknown client", "10.0.0.1", "unknown, 10.0.0.2", "10.0.0.2"],
  ["garbage at the end", "10.0.0.1", `${CLIENT}, <script>`, "10.0.0.1"],
  ["an empty header", "10.0.0.1", "", "10.0.0.1"],
  ["commas alone", "10.0.0.1", ",,", "10.0.0.1"],
  ["an octal address, which is none", "10.0.0.1", "0203.0.113.9", "10.0.0.1"],
];

for (const [what, peer, forwardedFor, expected] of CASES) {
  test(`the client behind ${what}`, () => {
    assert.equal(clientAddress({ peer, forwardedFor }, LAN), expected);
  });
}

test("without trusted proxies, header or peer", () => {
  assert.equal(clientAddress({ peer: "10.0.0.1", forwardedFor: CLIENT }, []), "10.0.0.1");
  assert.equal(clientAddress({ peer: "10.0.0.1", forwardedFor: undefined }, LAN), "10.0.0.1");
  assert.equal(clientAddress({ peer: undefined, forwardedFor: CLIENT }, LAN), null);
});

test("networks written with host bits, as mapped IPv4, or for everybody", () => {
  const arrival = { peer: "10.1.2.3", forwardedFor: CLIENT };
  for (const network of ["10.200.0.1/8", "::ffff:10.0.0.0/104", "0.0.0.0/0"]) {
    assert.equal(clientAddress(arrival, [network]), CLIENT, network);
  }
  assert.equal(clientAddress(arrival, ["10.1.2.4/32"]), "10.1.2.3");
});

test("nothing that a client puts before its own address changes what is seen", () => {
  const hop = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("10.0.0.1", "", "unknown"));
  const forged = fc.oneof(fc.array(hop).map(String), fc.string());
  fc.assert(
    fc.property(forged, fc.constantFrom("", ", 10.0.0.2", ",192.0.2.7, ::1"), (lie, hops) => {
      const forwardedFor = `${lie}, ${CLIENT}${hops}`;
      assert.equal(clientAddress({ peer: "10.0.0.1", forwardedFor }, LAN), CLIENT);
    }),
  );
});
