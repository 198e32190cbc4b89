/** The data plane's certificate: read, tried, and replaced while connections run. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { tlsSentence, type TlsFault, type TlsPair } from "../config/check-tls.ts";
import { reasonOf } from "../config/reference.ts";
import { watchFiles, type FileWatch } from "../config/watch.ts";
import type { Clock } from "../core/time.ts";
import { TLS_VERSION_MIN } from "../gateway/server.ts";
import type { Log } from "../gateway/ports.ts";

/** Where certificate and key are, absolute. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate that cannot be presented; the message names the file and the remedy. */
export class CannotPresent extends Error {
  override readonly name = "CannotPresent";
}

export interface ServerCertificate {
  /** In force now. */
  readonly pair: () => TlsPair;
  /** Calls `present` with each new pair from now on. */
  readonly onChange: (present: (pair: TlsPair) => void) => void;
  /** Reads again, from other files where `files` names others. A faulty pair keeps the one in force. */
  readonly reload: (files: TlsFiles) => void;
  /** Why the pair in force is not the one on disk; null where it is. */
  readonly fault: () => string | null;
  /** Stops watching the files. */
  readonly close: () => void;
}

/** Why no server can present this pair; null where one can. */
export function tlsFault({ cert, key }: TlsPair): TlsFault | null {
  // OpenSSL takes an empty text for none at all, and what a file is before it is written is empty.
  if (cert === "") return { part: "cert", reason: "empty" };
  if (key === "") return { part: "key", reason: "empty" };
  const certReason = trial({ cert });
  if (certReason !== null) return { part: "cert", reason: certReason };
  const keyReason = trial({ cert, key });
  return keyReason === null ? null : { part: "key", reason: keyReason };
}

/** OpenSSL's word on it ("key values mismatch"), which names no part of a key. */
function trial(pair: { readonly cert: string; readonly key?: string }): string | null {
  try {
    createSecureContext({ ...pair, minVersion: TLS_VERSION_MIN });
    return null;
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    return "reason" in cause ? String(cause.reason) : cause.message;
  }
}

/**
 * Reads the pair and follows its files from then on.
 *
 * @throws CannotPresent where it cannot be used.
 */
export function openCertificate(
  files: TlsFiles,
  services: { readonly log: Log; readonly clock: Clock },
): ServerCertificate {
  const { log, clock } = services;
  const first = readPair(files);
  if (!first.ok) throw new CannotPresent(first.fault);
  let followed = files;
  let inForce = first.pair;
  let fault: string | null = null;
  let present: (pair: TlsPair) => void = () => undefined;

  const readAgain = (): void => {
    const read = readPair(followed);
    if (!read.ok) {
      if (read.fault !== fault) log.error(`certificate kept: ${read.fault}`);
      ({ fault } = read);
      return;
    }
    fault = null;
    const { pair } = read;
    if (pair.cert === inForce.cert && pair.key === inForce.key) return;
    inForce = pair;
    present(pair);
    tell(pair, log, clock);
  };
  const follow = (): FileWatch => watchFiles([followed.certFile, followed.keyFile], readAgain);

  tell(inForce, log, clock);
  let watch = follow();
  return {
    pair: () => inForce,
    onChange: (call) => {
      present = call;
    },
    reload(next) {
      if (next.certFile !== followed.certFile || next.keyFile !== followed.keyFile) {
        watch.close();
        followed = next;
        watch = follow();
      }
      readAgain();
    },
    fault: () => fault,
    close: () => watch.close(),
  };
}

/** After a reload of the configuration, which may name other files. */
export function followConfig(
  certificate: ServerCertificate | null,
  tls: TlsFiles | null,
  log: Log,
): void {
  if (certificate !== null && tls !== null) certificate.reload(tls);
  else if (certificate !== null || tls !== null)
    log.warn("server.tls was added or removed: that takes effect at the next start");
}

type ReadPair =
  | { readonly ok: true; readonly pair: TlsPair }
  | { readonly ok: false; readonly fault: string };

function readPair({ certFile, keyFile }: TlsFiles): ReadPair {
  const cert = readText(certFile);
  if (!cert.ok) return cert;
  const key = readText(keyFile);
  if (!key.ok) return key;
  const pair = { cert: cert.text, key: key.text };
  const found = tlsFault(pair);
  if (found === null) return { ok: true, pair };
  return { ok: false, fault: tlsSentence(found, certFile, keyFile) };
}

function readText(path: string) {
  try {
    return { ok: true as const, text: readFileSync(path, "utf8") };
  } catch (cause) {
    const fault = `${path} cannot be read (${reasonOf(cause)}): check path and permissions`;
    return { ok: false as const, fault };
  }
}

/** One line on what is presented from now on; a warning where clients will not accept it. */
function tell({ cert }: TlsPair, log: Log, clock: Clock): void {
  const { subject, subjectAltName, validFromDate, validToDate, fingerprint256 } =
    new X509Certificate(cert);
  const facts = {
    names: subjectAltName ?? subject,
    valid_to: validToDate.toISOString(),
    fingerprint256,
  };
  const nowMs = clock.wallMs();
  if (nowMs >= validToDate.getTime()) log.warn("the certificate has expired", facts);
  else if (nowMs < validFromDate.getTime()) log.warn("the certificate is not valid yet", facts);
  else log.info("certificate in force", facts);
}
