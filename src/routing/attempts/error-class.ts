/** The one table of how an attempt can fail and what follows from it; the documentation is made of it. */

/** What becomes of an attempt's failure. Everything that the state machine and health do is read here. */
export interface ErrorRow {
  /** One sentence: what belongs here. */
  readonly what: string;
  /** The same key may be asked again, after a back-off. */
  readonly sameKey: boolean;
  /** Another key of the same provider may do better. */
  readonly otherKey: boolean;
  readonly otherTarget: boolean;
  /** A rule may name a target for just this. */
  readonly ownFallback: boolean;
  /** When nothing is left to try, the client gets the provider's answer; else the gateway's own 503. */
  readonly relayed: boolean;
  /** The effect on the key at once: rests for as long as the provider says, or is taken out. */
  readonly key: "stays" | "rests" | "out";
  readonly countsForKey: boolean;
  readonly countsForProvider: boolean;
}

const TRANSIENT = {
  sameKey: true,
  otherKey: false,
  otherTarget: true,
  ownFallback: false,
  relayed: true,
  key: "stays",
  countsForKey: true,
  countsForProvider: true,
} as const;

/** About the request: whoever is asked will say the same. */
const FINAL = {
  sameKey: false,
  otherKey: false,
  otherTarget: false,
  ownFallback: false,
  relayed: true,
  key: "stays",
  countsForKey: false,
  countsForProvider: false,
} as const;

/**
 * The order is the usefulness for the client: when everything has failed, it gets the first of these
 * that was met. What it can correct comes first, then what says when to come back, then what may pass
 * by itself, then what only its platform team can mend.
 */
export const ERROR_CLASSES = {
  context_length: {
    ...FINAL,
    what: "The model's context is smaller than the request. The client can shorten it.",
    ownFallback: true,
  },
  content_policy: {
    ...FINAL,
    what: "The provider's filter refused the request. The client can rephrase it.",
    ownFallback: true,
  },
  too_large: { ...FINAL, what: "413: more bytes than the provider takes." },
  bad_request: { ...FINAL, what: "400 and every other 4xx: the request itself is at fault." },
  rate_limited: {
    ...TRANSIENT,
    what: "429, also as an error event at a stream's start. It says when to come back.",
    otherKey: true,
    key: "rests",
    countsForKey: false,
    countsForProvider: false,
  },
  overloaded: { ...TRANSIENT, what: "529, or an overloaded event at a stream's start." },
  server_error: { ...TRANSIENT, what: "424 and 5xx, or such an error event at a stream's start." },
  timeout: { ...TRANSIENT, what: "408: the provider gave up waiting." },
  conflict: { ...TRANSIENT, what: "409: the provider asks to try again." },
  model_missing: {
    ...FINAL,
    what: "404: this provider has no such model. Others are asked; it rests for this model.",
    otherTarget: true,
  },
  out_of_credit: {
    ...FINAL,
    what: "402, or a refusal for want of credit: the account behind the key is empty.",
    otherKey: true,
    otherTarget: true,
    key: "rests",
  },
  cut: {
    ...FINAL,
    what: "Any failure after the first content: never repeated, the client sees the cut.",
    countsForKey: true,
    countsForProvider: true,
  },
  protocol: {
    ...TRANSIENT,
    what: "No answer of the dialect: HTML, a redirect, malformed, or ended before its content.",
    relayed: false,
  },
  reset: { ...TRANSIENT, what: "The connection was lost before the content.", relayed: false },
  idle_timeout: {
    ...TRANSIENT,
    what: "Silence for longer than `server.timeouts.idle` before the content.",
    sameKey: false,
    relayed: false,
  },
  first_byte_timeout: {
    ...TRANSIENT,
    what: "No answer within `server.timeouts.first_byte`.",
    sameKey: false,
    relayed: false,
  },
  connect: {
    ...TRANSIENT,
    what: "No connection: refused, unreachable, TLS. The key was not shown to anybody.",
    relayed: false,
    countsForKey: false,
  },
  credential: {
    ...FINAL,
    what: "401 and 403: the provider refuses the gateway's own key.",
    otherKey: true,
    otherTarget: true,
    relayed: false,
    key: "out",
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorClass = keyof typeof ERROR_CLASSES;

/** The table's row of a class. */
export function errorRow(of: ErrorClass): ErrorRow {
  return ERROR_CLASSES[of];
}

const USEFULNESS: ReadonlyMap<string, number> = new Map(
  Object.keys(ERROR_CLASSES).map((name, index) => [name, index]),
);

/**
 * Which of a request's failures, in the order in which they came, the client should be told.
 *
 * @returns an index into `failures`; of equals the last, because its answer may still be open. -1 for none.
 */
export function mostUseful(failures: readonly ErrorClass[]): number {
  let best = -1;
  let bestRank = Number.POSITIVE_INFINITY;
  for (const [index, failure] of failures.entries()) {
    const rank = USEFULNESS.get(failure) ?? Number.POSITIVE_INFINITY;
    if (rank > bestRank) continue;
    best = index;
    bestRank = rank;
  }
  return best;
}
