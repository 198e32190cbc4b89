/** Where a request comes from: the socket's own peer, or what proxies that we trust say of it. */
import { BlockList, isIP } from "node:net";
import { ipv4Within } from "../config/network.ts";

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

/** By the list itself: a configuration has one. */
const blockLists = new WeakMap<readonly string[], BlockList>();

function blockListOf(networks: readonly string[]): BlockList {
  const known = blockLists.get(networks);
  if (known !== undefined) return known;
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  blockLists.set(networks, list);
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
