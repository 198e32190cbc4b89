/** Carries an upstream's encrypted reasoning through a client that knows signatures only. */

/** A reasoning item of the Responses API as the next turn has to bring it back. */
interface SealedReasoning {
  /** "" where the upstream named none. */
  readonly id: string;
  readonly encryptedContent: string;
}

/** Tells these signatures from those of other doors; the digit is the form's version. */
export const RESPONSES_SEAL = "openai-responses.1.";

/** The signature, or redacted data, in which a reasoning item travels to the client and back. */
export function sealReasoning({ id, encryptedContent }: SealedReasoning): string {
  return `${RESPONSES_SEAL}${Buffer.from(id).toString("base64url")}.${encryptedContent}`;
}

/** What `sealReasoning` sealed; null for anything else, such as another door's signature. */
export function unsealReasoning(signature: string): SealedReasoning | null {
  if (!signature.startsWith(RESPONSES_SEAL)) return null;
  const dot = signature.indexOf(".", RESPONSES_SEAL.length);
  if (dot === -1 || dot === signature.length - 1) return null;
  const id = Buffer.from(signature.slice(RESPONSES_SEAL.length, dot), "base64url").toString();
  return { id, encryptedContent: signature.slice(dot + 1) };
}
