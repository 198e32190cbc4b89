/** Which addresses lie in a network of the configuration. */
import { BlockList, isIP } from "node:net";

/** IPv4 within IPv6: ::ffff:0:0/96. */
const MAPPED_BITS = 96;

/**
 * Claims of IP addresses that they lie in `network`, an address or CIDR form. An IPv4 address and the IPv6
 * address that it is mapped to are the same; other networks of IPv6 hold no IPv4. What is no address lies
 * nowhere.
 */
export function networkMatcher(network: string): (address: string) => boolean {
  const [written = "", bits] = network.split("/");
  const mapped = ipv4Within(written);
  const isMapped = mapped !== null && (bits === undefined || Number(bits) >= MAPPED_BITS);
  const address = isMapped ? mapped : written;
  const family = familyOf(address);
  const list = new BlockList();
  if (bits === undefined) list.addAddress(address, family);
  else list.addSubnet(address, isMapped ? Number(bits) - MAPPED_BITS : Number(bits), family);
  return (asked) => {
    if (isIP(asked) === 0) return false;
    const plain = ipv4Within(asked) ?? asked;
    return familyOf(plain) === family && list.check(plain, family);
  };
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}

/** The IPv4 address that an IPv4-mapped IPv6 address stands for; null for every other address. */
export function ipv4Within(address: string): string | null {
  if (isIP(address) !== 6) return null;
  // The URL parser knows the one canonical way to write each address.
  const canonical = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname;
  const [, high, low] = /^\[::ffff:([\da-f]+):([\da-f]+)\]$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return null;
  const bytes = [high, low].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
  return bytes.join(".");
}
