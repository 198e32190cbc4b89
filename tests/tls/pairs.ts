/** Certificates in files of their own, as an operator keeps them, and how they are replaced. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { X509Certificate } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type ConnectionOptions } from "node:tls";
import { hasOpenssl, makeAuthority, type TestAuthority } from "../providers/certificates.ts";

export const NEEDS_OPENSSL = hasOpenssl() ? false : "needs openssl";

export interface PairFiles {
  readonly folder: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Replaces both files, each by a rename. */
  readonly put: (pair: { readonly cert: string; readonly key: string }) => void;
  readonly remove: () => void;
}

/** Two issuers, each with one certificate for 127.0.0.1. */
export function twoPairs(): readonly [TestAuthority, TestAuthority] {
  return [makeAuthority(), makeAuthority()];
}

/** Puts a pair into a temporary folder. */
export function pairFiles(pair: { readonly cert: string; readonly key: string }): PairFiles {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-tls-"));
  const files = { certFile: join(folder, "server.pem"), keyFile: join(folder, "server.key") };
  const put: PairFiles["put"] = ({ cert, key }) => {
    for (const [file, text] of [
      [files.certFile, cert],
      [files.keyFile, key],
    ] as const) {
      writeFileSync(`${file}.new`, text, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    }
  };
  put(pair);
  return { folder, ...files, put, remove: () => rmSync(folder, { recursive: true }) };
}

export function fingerprintOf(cert: string): string {
  return new X509Certificate(cert).fingerprint256;
}

/** Shakes hands with the server at `origin`; rejects where that fails. */
export function shakeHands(
  origin: string,
  options: ConnectionOptions,
): Promise<{ readonly fingerprint: string; readonly protocol: string | null }> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), ...options });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      const certificate = socket.getPeerX509Certificate();
      resolve({ fingerprint: certificate?.fingerprint256 ?? "", protocol: socket.getProtocol() });
      socket.destroy();
    });
  });
}
