/** Settles what a crash left open: every attempt that may have reached its upstream is charged once. */
import { roundUp } from "../core/money.ts";
import { REFUSALS } from "../core/refusal.ts";
import { formatTime } from "../core/time.ts";
import { NO_USAGE } from "../core/usage.ts";
import { estimatedOutputTokens } from "../gateway/settle.ts";
import type { Journal } from "../journal/journal.ts";
import type { AdmitRecord, Ending } from "../journal/record.ts";
import type { Hold } from "../ledger/ledger.ts";
import type { NodeState } from "./state.ts";

/** Both clocks of the two processes are unknown to each other: the wall clock has to do. */
export interface InterruptedOptions {
  readonly state: NodeState;
  readonly journal: Journal;
  readonly nowMs: number;
  /** Fastest generation of a provider's answers, by provider id. */
  readonly tokensPerSecondMax: (provider: string) => number;
}

/** How many attempts were charged by estimate, and how many requests were closed without one. */
export interface Interrupted {
  readonly charged: number;
  readonly closed: number;
}

/**
 * Charges every open hold at its input bound and the output that fits into the time since, never above
 * the hold; closes requests that had no attempt running.
 */
export function settleInterrupted(options: InterruptedOptions): Interrupted {
  const { fold } = options.state;
  const holds = [...fold.ledger.holds()];
  for (const hold of holds) settleHold(hold, options);
  const left = [...fold.openRequests.values()];
  for (const record of left) closeRequest(record, options);
  return { charged: holds.length, closed: left.length };
}

function settleHold(hold: Hold, options: InterruptedOptions): void {
  const { record } = hold;
  const seconds = Math.max(0, (options.nowMs - hold.admittedMs) / 1000);
  const outputTokens = estimatedOutputTokens({
    seconds,
    tokensPerSecondMax: options.tokensPerSecondMax(record.provider),
    relayedTokens: 0,
    outputTokensMax: record.output_tokens,
  });
  const estimate =
    BigInt(record.input_need) + roundUp(BigInt(outputTokens) * BigInt(record.output_pico));
  const cost = estimate < hold.need ? estimate : hold.need;
  const usage = {
    ...NO_USAGE,
    // Nobody knows the input: what limits hold of it was the most.
    input_tokens: hold.tokens.input,
    output_tokens: record.task_type === "count" ? 0 : outputTokens,
  };
  const { shadowNeed } = hold;
  const isLess = shadowNeed !== null && shadowNeed < cost;
  const shadow = isLess ? { cost: shadowNeed, outputTokens: usage.output_tokens } : null;
  const charge = { cost, usage, ...(shadow === null ? {} : { shadow }) };
  options.state.fold.ledger.settle(hold, charge, options.nowMs);
  options.state.fold.openRequests.delete(record.request);
  options.journal.outcome({
    time: formatTime(options.nowMs),
    type: "settle",
    request: record.request,
    attempt: record.attempt,
    cost: String(cost),
    usage,
    estimated: record.task_type !== "count",
    upstream_status: null,
    upstream_request_id: null,
    fault: "interrupted",
    ...(shadow === null
      ? {}
      : { shadow: { cost: String(shadow.cost), output_tokens: shadow.outputTokens } }),
    end: interruptedEnd(record, options.nowMs),
  });
}

function closeRequest(record: AdmitRecord, options: InterruptedOptions): void {
  options.state.fold.openRequests.delete(record.request);
  options.journal.outcome({
    ...attributionOf(record),
    time: formatTime(options.nowMs),
    type: "refuse",
    request: record.request,
    code: "no_provider_available",
    message: "The gateway stopped before it could answer.",
    max_tokens: record.max_tokens,
    waited_ms: record.waited_ms,
    attempts: record.attempt,
    end: {
      ...interruptedEnd(record, options.nowMs),
      status: REFUSALS.no_provider_available.status,
    },
  });
}

function attributionOf(record: AdmitRecord) {
  const { customer, team, owner, virtual_key, labels, session, agent, parent_agent } = record;
  const { task_type, dialect, requested_model } = record;
  return {
    customer,
    team,
    owner,
    virtual_key,
    ...(labels === undefined ? {} : { labels }),
    session,
    agent,
    parent_agent,
    task_type,
    dialect,
    requested_model,
  };
}

function interruptedEnd(record: AdmitRecord, nowMs: number): Ending {
  return {
    outcome: "interrupted",
    status: null,
    latency_ms: Math.max(0, nowMs - Date.parse(record.time)),
    first_byte_ms: null,
    overhead_us: 0,
  };
}
