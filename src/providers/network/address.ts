/** Which IP addresses are this machine's, a private network's or a cloud's metadata service. */
import { isIP, isIPv4 } from "node:net";

/** `reserved`: neither anybody's on the internet nor a network of one's own (multicast, examples). */
export type AddressKind =
  | "public"
  | "loopback"
  | "private"
  | "link-local"
  | "reserved"
  /** Hands out the credentials of the machine to whoever asks. */
  | "metadata";

/**
 * The kind of an address in any spelling that `net.isIP` takes. An IPv6 address that only wraps an
 * IPv4 one (mapped, compatible, NAT64, 6to4) has the kind of what it wraps. Null: no address.
 *
 * Source: the IANA special-purpose registries (RFC 6890), and the clouds' own documentation.
 */
export function addressKind(text: string): AddressKind | null {
  const family = isIP(text);
  if (family === 0) return null;
  const bytes = family === 4 ? bytesOf4(text) : bytesOf6(text);
  const wrapped = bytes.length === 16 ? wrappedIn(bytes) : bytes;
  const shown = (wrapped ?? bytes).join(".");
  if (METADATA.has(shown)) return "metadata";
  const nets = wrapped === null ? NETS_6 : NETS_4;
  return nets.find((one) => contains(one, wrapped ?? bytes))?.kind ?? "public";
}

/** The name is one that a cloud gives its metadata service, whatever it resolves to. */
export function isMetadataName(host: string): boolean {
  return METADATA_NAMES.has(host.toLowerCase().replace(/\.$/, ""));
}

const METADATA_NAMES: ReadonlySet<string> = new Set([
  "metadata",
  "metadata.google.internal",
  "metadata.goog",
  "instance-data",
  "instance-data.ec2.internal",
  "metadata.tencentyun.com",
]);

const METADATA: ReadonlySet<string> = new Set(
  [
    // AWS, Google, Azure, Oracle, DigitalOcean, OpenStack
    "169.254.169.254",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::a9fe:a9fe",
    // AWS: credentials of a container and of a pod
    "169.254.170.2",
    "169.254.170.23",
    "fd00:ec2::23",
    // Alibaba, Tencent, Oracle's older one
    "100.100.100.200",
    "169.254.0.23",
    "192.0.0.192",
    // Azure's platform service
    "168.63.129.16",
  ].map((text) => (isIPv4(text) ? text : bytesOf6(text).join("."))),
);

interface Net {
  readonly prefix: readonly number[];
  readonly bits: number;
  readonly kind: AddressKind;
}

const NETS_4: readonly Net[] = [
  // "This host": systems connect it to themselves.
  net("0.0.0.0/8", "loopback"),
  net("127.0.0.0/8", "loopback"),
  net("10.0.0.0/8", "private"),
  net("172.16.0.0/12", "private"),
  net("192.168.0.0/16", "private"),
  // Carriers', and many a cloud's own
  net("100.64.0.0/10", "private"),
  net("169.254.0.0/16", "link-local"),
  net("192.0.0.0/24", "reserved"),
  net("192.0.2.0/24", "reserved"),
  net("198.18.0.0/15", "reserved"),
  net("198.51.100.0/24", "reserved"),
  net("203.0.113.0/24", "reserved"),
  net("224.0.0.0/3", "reserved"),
];

const NETS_6: readonly Net[] = [
  net("::/127", "loopback"),
  net("fc00::/7", "private"),
  // Site-local, given up but still routed here and there
  net("fec0::/10", "private"),
  // NAT64 with a prefix of one's own: what it wraps depends on that network.
  net("64:ff9b:1::/48", "private"),
  net("fe80::/10", "link-local"),
  net("100::/64", "reserved"),
  net("2001:2::/48", "reserved"),
  net("2001:db8::/32", "reserved"),
  net("3fff::/20", "reserved"),
  net("5f00::/16", "reserved"),
  net("ff00::/8", "reserved"),
  // Teredo: the address of a client stands in it, scrambled.
  net("2001::/32", "reserved"),
];

function net(text: string, kind: AddressKind): Net {
  const [address = "", bits = ""] = text.split("/");
  const prefix = isIPv4(address) ? bytesOf4(address) : bytesOf6(address);
  return { prefix, bits: Number(bits), kind };
}

function contains({ prefix, bits }: Net, bytes: readonly number[]): boolean {
  return prefix.every((byte, index) => {
    const counted = Math.min(8, Math.max(0, bits - index * 8));
    const mask = 0xff & (0xff << (8 - counted));
    return (byte & mask) === ((bytes[index] ?? 0) & mask);
  });
}

/** The IPv4 address inside; null for one that stands for itself. */
function wrappedIn(bytes: readonly number[]): readonly number[] | null {
  const begins = (...prefix: readonly number[]): boolean =>
    prefix.every((byte, index) => bytes[index] === byte);
  const zeros = (count: number): number[] => Array<number>(count).fill(0);
  const mapped = begins(...zeros(10), 0xff, 0xff) || begins(...zeros(8), 0xff, 0xff, 0, 0);
  const nat64 = begins(0, 0x64, 0xff, 0x9b, ...zeros(8));
  // "::" and "::1" are themselves.
  const compatible = begins(...zeros(12)) && bytes.slice(12, 15).some((byte) => byte !== 0);
  if (mapped || nat64 || compatible) return bytes.slice(12);
  return begins(0x20, 0x02) ? bytes.slice(2, 6) : null;
}

function bytesOf4(text: string): readonly number[] {
  return text.split(".").map(Number);
}

/** Of a text that `isIP` takes for 6: 16 bytes, a zone left away. */
function bytesOf6(text: string): readonly number[] {
  const [address = ""] = text.split("%");
  const [head = "", tail] = address.split("::");
  const first = groupsOf(head);
  const last = groupsOf(tail ?? "");
  const missing = Array<number>(Math.max(0, 16 - first.length - last.length)).fill(0);
  return tail === undefined ? first : [...first, ...missing, ...last];
}

function groupsOf(text: string): readonly number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return bytesOf4(group);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
