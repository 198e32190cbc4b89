/** How long to wait before the same key is asked again. */

const FIRST_MS = 250;
const LONGEST_MS = 8_000;
/** A longer wish of the provider is no wait for a person: the request moves on, or ends. */
const WISH_MAX_MS = 15_000;

interface Wait {
  /** Retries of this request before this one: 0 for the first. */
  readonly retries: number;
  /** What the provider asks for; null: nothing. */
  readonly retryAfterMs: number | null;
  /** Until the request's deadline. */
  readonly leftMs: number;
  /** Uniform in [0, 1). */
  readonly draw: number;
}

/**
 * Milliseconds to wait, between half and the whole of 250 ms × 2^retries (8 s at most), never less than the
 * provider asks for. Null where that is too long for the deadline or for anybody: do not retry here.
 */
export function backOffMs({ retries, retryAfterMs, leftMs, draw }: Wait): number | null {
  const fullMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** retries);
  const jitteredMs = Math.round((fullMs / 2) * (1 + draw));
  const wishMs = retryAfterMs ?? 0;
  if (wishMs > WISH_MAX_MS) return null;
  // The jitter comes on top of a wish: all who were refused with it would return at once.
  const waitMs = wishMs > 0 ? wishMs + Math.round((fullMs / 2) * draw) : jitteredMs;
  return waitMs < leftMs ? waitMs : null;
}
