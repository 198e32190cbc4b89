/** Why there is nothing to identify ourselves with: a value, with a sentence for whoever runs the node. */

export interface AuthFault {
  readonly ok: false;
  /** One sentence for log and health; holds no credential. */
  readonly sentence: string;
  /** Passes without anybody doing something: a token server that is down, not a wrong secret. */
  readonly isTemporary: boolean;
  /** Until the next attempt; asking before that gives the same fault and sends nothing. */
  readonly retryAfterMs: number;
}

/** Somebody has to change something: a file, a secret, a permission. */
export function lastingFault(sentence: string): AuthFault {
  return { ok: false, sentence, isTemporary: false, retryAfterMs: 0 };
}

export function temporaryFault(sentence: string): AuthFault {
  return { ok: false, sentence, isTemporary: true, retryAfterMs: 0 };
}

/** A server's error code, fit for a sentence whatever it sent; "" for none. */
export function shownCode(code: unknown): string {
  return typeof code === "string" && /^[\w.:-]{1,64}$/.test(code) ? ` (${code})` : "";
}
