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
  const { part, reason } = fault;
  const message =
    part === "cert"
      ? `${shown(cert)} cannot be presented (${reason}): give the chain in PEM form, the server's own certificate first`
      : `${shown(key)} cannot be used with ${shown(cert)} (${reason}): give the unencrypted key that this certificate was made for`;
  report(["server", "tls", part], message);
}
