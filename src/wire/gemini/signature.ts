/** Carries Gemini's thought signatures through the client, inside the signatures of thinking blocks. */

/**
 * Signatures of one thinking block. They are in the block and not in a tool call's id because clients
 * name files after ids, and other providers refuse long ones.
 */
export interface Carried {
  /** Of the text before the block. */
  readonly previous?: string | undefined;
  /** Of the thought that the block shows. */
  readonly thought?: string | undefined;
  /** Of the text or function call after the block. */
  readonly next?: string | undefined;
}

/** Begins every signature of ours. */
export const GEMINI_SEAL = "tollgate-gemini:";
const KEYS = [
  ["p", "previous"],
  ["t", "thought"],
  ["n", "next"],
] as const;

/**
 * What Google documents for calls that have no signature of its own: history of another model.
 * Source: ai.google.dev/gemini-api/docs/thought-signatures, 2026-11-23.
 */
export const NO_SIGNATURE = "skip_thought_signature_validator";

/** The signature of a thinking block for the client; null where there is nothing to carry. */
export function encodeSignatures(carried: Carried): string | null {
  const parts = KEYS.flatMap(([key, name]) => {
    const value = carried[name];
    return value === undefined ? [] : [`${key}=${value}`];
  });
  return parts.length === 0 ? null : GEMINI_SEAL + parts.join(";");
}

/** What `encodeSignatures` put there; null for a signature that is not of its making. */
export function decodeSignatures(signature: string): Carried | null {
  if (!signature.startsWith(GEMINI_SEAL)) return null;
  const carried: { -readonly [name in keyof Carried]: Carried[name] } = {};
  for (const part of signature.slice(GEMINI_SEAL.length).split(";")) {
    const name = KEYS.find(([key]) => part.startsWith(`${key}=`))?.[1];
    if (name === undefined || part.length === 2) return null;
    carried[name] = part.slice(2);
  }
  return carried;
}

/** Signatures are base64; anything else cannot be carried and is no signature. */
export function isSignature(value: unknown): value is string {
  return typeof value === "string" && /^[\w+/=-]+$/.test(value);
}
