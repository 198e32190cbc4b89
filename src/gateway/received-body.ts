/** A whole body as it came, and the same read whole where a door of another dialect needs it. */
import { invariant } from "../core/invariant.ts";
import { parseJson } from "../wire/anthropic/value.ts";
import { readCanonical } from "../wire/canonical/read.ts";
import type { CanonicalRequest } from "../wire/canonical/request.ts";
import type { Unsupported } from "../wire/egress.ts";

/** Whoever outlives the sending holds this, never what it gives, so that `drop` frees it. */
export class ReceivedBody {
  #chunks: readonly Buffer[] | null;
  #canonical: CanonicalRequest | Unsupported | null = null;

  constructor(chunks: readonly Buffer[]) {
    this.#chunks = chunks;
  }

  /**
   * As they came.
   *
   * @throws InvariantBroken after `drop`.
   */
  get chunks(): readonly Buffer[] {
    invariant(this.#chunks !== null, "a dropped body is not read");
    return this.#chunks;
  }

  /**
   * The body read whole, at most once for all attempts; or the field that cannot be read.
   *
   * @throws InvariantBroken after `drop`.
   */
  canonical(): CanonicalRequest | Unsupported {
    return (this.#canonical ??= canonicalOf(this.chunks));
  }

  /** Nobody reads it again. Idempotent. */
  drop(): void {
    this.#chunks = null;
    this.#canonical = null;
  }
}

function canonicalOf(chunks: readonly Buffer[]): CanonicalRequest | Unsupported {
  const request = readCanonical(parseJson(Buffer.concat(chunks).toString("utf8")));
  if (!("problem" in request)) return request;
  const { field, problem } = request;
  return {
    unsupported: field,
    message: `${field} ${problem}: it cannot be translated; correct it.`,
  };
}
