/** Caps of a key's scopes on its sessions and their subagents: which one says no to a request. */
import type { SessionCapsConfig, SubagentCapsConfig } from "../../config/sessions-config.ts";
import type { PlanLevel } from "../plan.ts";
import type { TrackedAgent, TrackedSession } from "./tracked.ts";

/** A scope's caps. */
export interface SessionRule {
  readonly scope: PlanLevel["scope"];
  readonly sessions: SessionCapsConfig | null;
  readonly subagents: SubagentCapsConfig | null;
  /** Followed on paper alone: this scope or one above it observes. */
  readonly isObserved: boolean;
}

export type CapName = "requests" | "tokens" | "duration" | "depth" | "subagents";

/** A cap that a request does not fit under. */
export interface CapReached {
  readonly rule: SessionRule;
  /** Whose cap it is. */
  readonly of: "session" | "subagent";
  readonly cap: CapName;
  /** A number, or milliseconds. */
  readonly limit: number;
}

/** A request as the caps see it; `session` and `tracked` are null where they are new. */
export interface Capped {
  readonly session: TrackedSession | null;
  /** The agent's id; null: the main loop. */
  readonly agent: string | null;
  readonly tracked: TrackedAgent | null;
  readonly depth: number;
  readonly nowMs: number;
}

const NONE: readonly SessionRule[] = [];

/** The rules of those scopes that have caps, outermost first. */
export function sessionRules(levels: readonly PlanLevel[]): readonly SessionRule[] {
  const rules: SessionRule[] = [];
  let isObserved = false;
  for (const { scope, governance } of levels) {
    isObserved ||= governance.mode === "observe";
    const { sessions, subagents } = governance;
    if (sessions !== null || subagents !== null)
      rules.push({ scope, sessions, subagents, isObserved });
  }
  return rules.length === 0 ? NONE : rules;
}

/** The first cap that is reached, by the outermost scope; null: the request may be made. */
export function capReached(rules: readonly SessionRule[], request: Capped): CapReached | null {
  for (const rule of rules) {
    const reached = reachedIn(rule, request);
    if (reached !== null) return reached;
  }
  return null;
}

function reachedIn(rule: SessionRule, request: Capped): CapReached | null {
  const { sessions, subagents } = rule;
  const { session, tracked, agent, nowMs } = request;
  if (sessions !== null) {
    const reached = tallyReached(sessions, session, nowMs) ?? agentsReached(sessions, request);
    if (reached !== null) return { rule, of: "session", ...reached };
  }
  if (subagents === null || agent === null) return null;
  const reached = tallyReached(subagents, tracked, nowMs);
  return reached === null ? null : { rule, of: "subagent", ...reached };
}

type Reached = Pick<CapReached, "cap" | "limit">;

function tallyReached(
  caps: SubagentCapsConfig,
  tally: TrackedSession | TrackedAgent | null,
  nowMs: number,
): Reached | null {
  if (tally === null) return null;
  const { requests, tokens, durationMs } = caps;
  if (requests !== null && tally.requests >= requests) return { cap: "requests", limit: requests };
  if (tokens !== null && tally.tokens >= tokens) return { cap: "tokens", limit: tokens };
  if (durationMs !== null && nowMs - tally.firstMs >= durationMs)
    return { cap: "duration", limit: durationMs };
  return null;
}

function agentsReached({ depth, subagents }: SessionCapsConfig, request: Capped): Reached | null {
  const { agent, tracked, session } = request;
  if (agent === null) return null;
  if (depth !== null && request.depth > depth) return { cap: "depth", limit: depth };
  const isNew = tracked === null;
  if (subagents !== null && isNew && (session?.agents?.size ?? 0) >= subagents)
    return { cap: "subagents", limit: subagents };
  return null;
}
