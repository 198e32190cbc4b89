/** Every reason for which Tollgate itself says no on the data plane, in order of precedence. */

interface RefusalSpec {
  readonly status: number;
  /** `error.type` of the Anthropic error envelope. */
  readonly type: string;
  /** False: the client must not try again by itself. */
  readonly retry: boolean;
}

/** The order is the precedence: where several apply, the first is told. */
export const REFUSALS = {
  not_found: { status: 404, type: "not_found_error", retry: true },
  draining: { status: 503, type: "api_error", retry: true },
  unknown_key: { status: 401, type: "authentication_error", retry: false },
  revoked_key: { status: 401, type: "authentication_error", retry: false },
  body_too_large: { status: 413, type: "request_too_large", retry: true },
  bad_request: { status: 400, type: "invalid_request_error", retry: true },
  journal_unavailable: { status: 503, type: "api_error", retry: true },
  session_stopped: { status: 402, type: "billing_error", retry: false },
  session_limited: { status: 402, type: "billing_error", retry: false },
  model_not_allowed: { status: 402, type: "permission_error", retry: true },
  provider_not_allowed: { status: 402, type: "permission_error", retry: true },
  tool_not_allowed: { status: 402, type: "permission_error", retry: true },
  rate_limited: { status: 429, type: "rate_limit_error", retry: true },
  concurrency_limited: { status: 429, type: "rate_limit_error", retry: true },
  budget_exhausted: { status: 429, type: "billing_error", retry: false },
  request_exceeds_budget: { status: 429, type: "billing_error", retry: false },
  budget_busy: { status: 429, type: "rate_limit_error", retry: true },
  no_provider_available: { status: 503, type: "api_error", retry: true },
} as const satisfies Record<string, RefusalSpec>;

export type RefusalCode = keyof typeof REFUSALS;

/** A decision that says no, as a value: the code, one sentence for a person, and headers to send. */
export interface Refusal {
  readonly refused: true;
  readonly code: RefusalCode;
  /** One sentence: what is wrong · when it ends · what to do next. Never a secret. */
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The scope whose rule or cap said no, "team/platform"; left out where none did. */
  readonly by?: string;
}

/** Makes a refusal; `x-should-retry: false` is added where the code's table entry says so. */
export function refusal(
  code: RefusalCode,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  const stop = REFUSALS[code].retry ? {} : { "x-should-retry": "false" };
  return { refused: true, code, message, headers: { ...stop, ...headers } };
}

/** Tells a refusal from what a step gives when it does not refuse. */
export function isRefusal(value: object): value is Refusal {
  return "refused" in value;
}
