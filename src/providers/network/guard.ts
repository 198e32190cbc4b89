/** Keeps upstream calls away from networks that nobody meant: which host may be called at which address. */
import { lookup } from "node:dns";
import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import type { LookupFunction } from "node:net";
import { addressKind, isMetadataName } from "./address.ts";
import type { AddressKind } from "./address.ts";

/** All addresses of a name, in the order in which to try them. Rejects where it has none. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** The system's resolver, hosts file and all. */
export const systemResolve: Resolve = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => {
      if (error === null) resolve(addresses);
      else reject(error);
    });
  });

/**
 * Why a host may not be called whatever it resolves to: it is, or is named like, a metadata service.
 * Every other address is allowed as written. This is all that can be checked where a proxy resolves
 * the name.
 *
 * @param host as a URL has it, which leaves one spelling of each IPv4 address; IPv6 without brackets.
 */
export function hostFault(host: string): string | null {
  const isMetadata = isIP(host) === 0 ? isMetadataName(host) : addressKind(host) === "metadata";
  return isMetadata ? `${host} is a cloud's metadata service, which is never called` : null;
}

/**
 * A `lookup` for `net.connect` and `tls.connect`: leaves away every address that may not be called,
 * and fails with a sentence where none is left. The name is asked for once a connection, and what
 * was checked is what is connected to.
 */
export function guardedLookup(resolve: Resolve, allowPrivateNetwork: boolean): LookupFunction {
  return (host, options, callback) => {
    const answer = (addresses: readonly LookupAddress[]): void => {
      const isAllowed = ({ address }: LookupAddress): boolean =>
        isCallable(addressKind(address), allowPrivateNetwork || isLocalhost(host));
      const allowed = addresses.filter(isAllowed).filter(isOfFamily(options.family));
      const [first] = allowed;
      if (first === undefined) callback(new Error(refusal(host, addresses)), "");
      else if (options.all === true) callback(null, [...allowed]);
      else callback(null, first.address, first.family);
    };
    const fail = (cause: unknown): void =>
      callback(cause instanceof Error ? cause : new Error(String(cause)), "");
    // A call-back that throws is no failed look-up.
    void resolve(host).then(
      (addresses) => process.nextTick(answer, addresses),
      (cause: unknown) => process.nextTick(fail, cause),
    );
  };
}

function isCallable(kind: AddressKind | null, allowPrivate: boolean): boolean {
  return kind === "public" || (allowPrivate && kind !== null && kind !== "metadata");
}

/** The word in the file says what is meant; `x.localhost` and others are names like any other. */
function isLocalhost(host: string): boolean {
  return host === "localhost";
}

function isOfFamily(wanted: string | number = 0): (address: LookupAddress) => boolean {
  const family = Number(String(wanted).replace("IPv", ""));
  return (address) => family === 0 || address.family === family;
}

function refusal(host: string, addresses: readonly LookupAddress[]): string {
  const [first] = addresses;
  if (first === undefined) return `${host} has no address`;
  const kind = addressKind(first.address);
  if (addresses.some(({ address }) => addressKind(address) === "metadata"))
    return `${host} resolves to ${first.address}, a cloud's metadata service, which is never called`;
  if (kind === null || kind === "public") return `${host} has no address of the wanted family`;
  return (
    `${host} resolves to ${first.address}, a ${kind} address: ` +
    "if that is meant, set allow_private_network: true on the provider"
  );
}
