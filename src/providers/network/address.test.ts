import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressKind, isMetadataName } from "./address.ts";
import type { AddressKind } from "./address.ts";

/** First and last of each net, and what stands just outside of it. */
const CASES: Readonly<Record<AddressKind, readonly string[]>> = {
  public: [
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700::1",
    "2a00:1450:4001::",
    "fbff::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
    "2001:4860::8888",
  ],
  loopback: [
    "127.0.0.0",
    "127.0.0.1",
    "127.255.255.255",
    "0.0.0.0",
    "0.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "::ffff:0:127.0.0.1",
    "0:0:0:0:0:0:0:1",
    "::ffff:0.0.0.0",
  ],
  private: [
    "10.0.0.0",
    "10.255.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.168.0.0",
    "192.168.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "fc00::",
    "fdff:ffff::1",
    "fec0::1",
    "::ffff:10.1.2.3",
    "64:ff9b::a01:203",
    "2002:c0a8:1::5",
    "64:ff9b:1::1",
  ],
  "link-local": [
    "169.254.0.0",
    "169.254.255.255",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "::ffff:169.254.1.1",
  ],
  reserved: [
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "ff02::1",
    "2001:db8::1",
    "2001:0:1::1",
    "100::1",
    "::ffff:255.255.255.255",
  ],
  metadata: [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "100.100.100.200",
    "168.63.129.16",
    "fd00:ec2::254",
    "FD00:0EC2:0:0:0:0:0:254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fe80::a9fe:a9fe",
    "fe80::a9fe:a9fe%eth0",
  ],
};

for (const [kind, addresses] of Object.entries(CASES)) {
  test(`${kind} addresses, in every spelling`, () => {
    for (const address of addresses) assert.equal(addressKind(address), kind, address);
  });
}

test("what is no address has no kind", () => {
  for (const text of ["", "localhost", "1.2.3", "01.2.3.4", "[::1]", "1.2.3.4:80", "::g"])
    assert.equal(addressKind(text), null, text);
});

test("an IPv4 address has the same kind however IPv6 wraps it", () => {
  const byte = fc.nat(255);
  const interesting = fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 198, 203, 224);
  fc.assert(
    fc.property(fc.oneof(interesting, byte), byte, byte, byte, (a, b, c, d) => {
      const kind = addressKind(`${a}.${b}.${c}.${d}`);
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      for (const wrapped of [`::ffff:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`])
        assert.equal(addressKind(wrapped), kind, wrapped);
    }),
  );
});

test("a URL leaves one spelling of each IPv4 address, which is then seen", () => {
  for (const host of ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"])
    assert.equal(addressKind(new URL(`http://${host}/`).hostname), "metadata", host);
});

test("names of metadata services, in any case and with a dot at the end", () => {
  for (const name of ["metadata.google.internal", "METADATA.google.internal.", "metadata"])
    assert.ok(isMetadataName(name), name);
  for (const name of ["metadata.example.com", "google.internal", "localhost"])
    assert.ok(!isMetadataName(name), name);
});
