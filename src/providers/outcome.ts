/** What an attempt costs by the way it ended: billed, free, or unknown. A table, without I/O. */
import type { ProviderRow } from "./row.ts";
import type { UpstreamFailure } from "./upstream.ts";

/** How an attempt ended, as far as the gateway saw it. */
export interface AttemptEnd {
  /** The upstream's status; null where no head arrived. */
  readonly status: number | null;
  /** The body is complete and is the provider's own error envelope. */
  readonly errorEnvelope: boolean;
  /** The provider's last word on usage was read: a whole answer's, or the stream's `message_delta`. */
  readonly finalUsage: boolean;
  /** The answer's stop reason is a refusal and no output came before it. */
  readonly refusedBeforeOutput: boolean;
  /** How the exchange failed; null where it ended, or where the gateway cancelled it. */
  readonly failure: UpstreamFailure | null;
}

/**
 * `billed`: the usage that was read is what the provider charges. `free`: it charges nothing.
 * `unknown`: it may charge; the attempt settles at a one-sided estimate.
 */
export type AttemptOutcome =
  | { readonly kind: "billed" }
  | { readonly kind: "free" }
  | { readonly kind: "unknown" };

const BILLED: AttemptOutcome = { kind: "billed" };
const FREE: AttemptOutcome = { kind: "free" };
const UNKNOWN: AttemptOutcome = { kind: "unknown" };

const FIRST_REDIRECT = 300;
const FIRST_SERVER_ERROR = 500;

/**
 * Classifies the end of an attempt. Free is what the provider says it did not do: a redirect, a request
 * it did not accept (4xx, whoever on the way says so), a failure in its own error envelope. Whatever no
 * rule names is unknown, so that a charge is never below the provider's bill.
 */
export function outcomeOf(row: ProviderRow, end: AttemptEnd): AttemptOutcome {
  const { status } = end;
  if (status === null) return end.failure !== null && !end.failure.sent ? FREE : UNKNOWN;
  if (row.billing.unprovenStatuses.includes(status)) return UNKNOWN;
  if (status >= FIRST_SERVER_ERROR) return end.errorEnvelope ? FREE : UNKNOWN;
  if (status >= FIRST_REDIRECT) return FREE;
  if (end.refusedBeforeOutput && row.billing.refusalBeforeOutputIsFree) return FREE;
  return end.finalUsage ? BILLED : UNKNOWN;
}
