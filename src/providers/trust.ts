/** Which certificate authorities an upstream's certificate may come from. */
import { X509Certificate } from "node:crypto";
import { createSecureContext, getCACertificates } from "node:tls";
import type { SecureContext } from "node:tls";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The authorities to trust where a private one is configured: Node's defaults (with whatever
 * NODE_EXTRA_CA_CERTS names), the system's, and those of `caPem`. Made once: reading some 150
 * certificates for each connection would cost more than the handshake.
 *
 * @returns null where there is none to add: Node's defaults apply untouched.
 * @throws Error, in one sentence, where `caPem` holds no certificate or a broken one.
 */
export function trustWith(caPem: string | null): SecureContext | null {
  if (caPem === null) return null;
  const added = caPem.match(CERTIFICATE) ?? [];
  if (added.length === 0) throw new Error("outbound.ca holds no PEM certificate");
  added.forEach(assertCertificate);
  const known = new Set([
    ...getCACertificates("default"),
    ...getCACertificates("system"),
    ...added,
  ]);
  return createSecureContext({ ca: [...known] });
}

function assertCertificate(pem: string, index: number): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new Error(`outbound.ca: certificate ${index + 1} cannot be read`, { cause });
  }
}
