/** Where a request comes from: the socket's own peer, or what proxies that we trust say of it. */
import { BlockList, isIP } from "node:net";

export interface Arrival {
  /** The socket's remote address; undefined where the socket is gone. */
  readonly peer: string | undefined;
  /** `X-Forwarded-For` as it came, several lines joined by commas. */
  readonly forwardedFor: string | undefined;
}

/**
 * The client's address. Each proxy appends the address that it was called from, so the header is read
 * from its end: an entry counts only while everything behind it is a trusted proxy. What a client
 * wrote itself stands before that, and is never reached.
 *
 * @param trusted Addresses and networks of `server.trusted_proxies`.
 * @returns An IP address without port or zone, IPv4 in dotted form; null where the socket is gone.
 */
export function clientAddress(arrival: Arrival, trusted: readonly string[]): string | null {
  const peer = plainAddress(arrival.peer ?? "");
  const { forwardedFor } = arrival;
  if (peer === null || forwardedFor === undefined || trusted.length === 0) return peer;
  const proxies = blockListOf(trusted);
  let address = peer;
  let end = forwardedFor.length;
  while (end >= 0 && contains(proxies, address)) {
    const comma = end === 0 ? -1 : forwardedFor.lastIndexOf(",", end - 1);
    const next = plainAddress(forwardedFor.slice(comma + 1, end));
    // "unknown" and the like: who called the last proxy is all that is known for certain.
    if (next === null) return address;
    address = next;
    end = comma;
  }
  return address;
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}

/** The address in "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80" or "::1%eth0"; null for all else. */
function plainAddress(text: string): string | null {
  const written = text.trim().replace(/^"(.*)"$/, "$1");
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(written)?.[1];
  const dotted = /^([\d.]+):\d+$/.exec(written)?.[1];
  const address = (bracketed ?? dotted ?? written).replace(/%.*$/, "");
  if (isIP(address) === 0) return null;
  return ipv4Within(address) ?? address;
}

/** The IPv4 address that an IPv4-mapped IPv6 address stands for; null for every other address. */
function ipv4Within(address: string): string | null {
  if (isIP(address) !== 6) return null;
  // The URL parser knows the one canonical way to write each address.
  const canonical = new URL(`http://[${address}]`).hostname;
  const [, high, low] = /^\[::ffff:([\da-f]+):([\da-f]+)\]$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return null;
  const bytes = [high, low].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
  return bytes.join(".");
}
