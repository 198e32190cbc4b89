/** The certificate and key of the data plane: made for each other, and of use to a server. */
import type { Checking } from "./check.ts";
import { shown } from "./secrecy.ts";

/** In PEM form: the chain, the server's own certificate first, and its private key. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

export interface TlsFault {
  readonly part: "cert" | "key";
  /** A few words, no secret. */
  readonly reason: string;
}

/** Why no server can present a pair; null where one can. */
export type TlsTrial = (pair: TlsPair) => TlsFault | null;

/** Tries a pair that is there and looks like PEM. */
export function checkTlsPair({ draft, report, tlsTrial }: Checking, pair: TlsPair): void {
  const fault = tlsTrial(pair);
  if (fault === null) return;
  const { cert, key } = draft.server?.tls ?? {};
  report(["server", "tls", fault.part], tlsSentence(fault, shown(cert), shown(key)));
}

/** The fault and its remedy, with the names by which a person knows the two files. */
export function tlsSentence({ part, reason }: TlsFault, cert: string, key: string): string {
  return part === "cert"
    ? `${cert} cannot be presented (${reason}): give the chain in PEM form, the server's own certificate first`
    : `${key} cannot be used with ${cert} (${reason}): give the unencrypted key that this certificate was made for`;
}
