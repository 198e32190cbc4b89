/** One request from its first byte to its last record: what has happened so far. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { newRequestId, type RequestId } from "../core/ids.ts";
import type { Refusal } from "../core/refusal.ts";
import type { Attribution, LeverChange, ShadowChange, TaskType } from "../journal/record.ts";
import type { TaskSource } from "../routing/task-type/task.ts";
import type { Plan } from "../policy/plan.ts";
import type { RequestSeen } from "../policy/runaway/event.ts";
import type { SessionId } from "../policy/sessions/halts.ts";
import type { Gateway, Ruling } from "./ports.ts";
import type { SessionSeen } from "./session-log.ts";

/** Which of the listed paths was called. */
export type Endpoint = "messages" | "count_tokens" | "models" | "me";

export interface Exchange {
  readonly id: RequestId;
  /** Null where the path is none of ours. */
  readonly endpoint: Endpoint | null;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path and query to append to a provider's base URL: "/v1/messages?beta=true". */
  readonly target: string;
  readonly ruling: Ruling;
  readonly arrivedMs: number;
  /** Monotonic milliseconds at arrival. */
  readonly startedMs: number;
  /** Null until the caller is known. */
  plan: Plan | null;
  /** Null until the body is read. */
  subject: Subject | null;
  /** The session that it counts to; null until the body is read. */
  session: SessionId | null;
  /** How its conversation begins, where that is to be learnt; null: it is known, or cannot be told. */
  conversation: string | null;
  /** Monotonic milliseconds at which the whole request was here. */
  receivedMs: number;
  /** Time spent inside the gateway so far, milliseconds. */
  overheadMs: number;
  /** Monotonic milliseconds at which the first byte of the answer's body went out. */
  firstByteMs: number | null;
  /** Attempts made so far. */
  attempts: number;
  waitedMs: number;
  /** An attempt of it counts as the request that it is: limits count no other. */
  isCounted: boolean;
  /** As detectors of runaways see it; null until it was looked at. */
  seen: RequestSeen | null;
  /** Looks at it, once; holds its body. */
  look: (() => void) | null;
  /** How long a finding on its session has delayed it. */
  slowedMs: number;
  /** The routing rule that chose its targets; null: none did. */
  rule: string | null;
  /** What is worth knowing of where it goes: a session that leaves its door. */
  routeNote: string | null;
  /** What enforcement would have answered, where a scope in shadow let it through; the first of several. */
  waived: Refusal | null;
  /** What levers made of it, or would have in observe mode. */
  levers: readonly LeverChange[];
  /** What was known of its session before it; null until somebody asks, for that counts it. */
  sessionSeen: SessionSeen | null;
  /** What else a scope in shadow would have done to it. */
  readonly shadowChanges: ShadowChange[];
}

/** What a request says of itself: the client's own words, for attribution only. */
export interface Subject {
  readonly session: string | null;
  readonly agent: string | null;
  readonly parentAgent: string | null;
  readonly taskType: TaskType;
  readonly taskSource: TaskSource;
  readonly requestedModel: string | null;
  readonly maxTokens: number | null;
}

/** Begins an exchange; cannot fail. */
export function begin(
  gateway: Gateway,
  arrival: {
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly endpoint: Endpoint | null;
    readonly target: string;
  },
): Exchange {
  const arrivedMs = gateway.clock.wallMs();
  const startedMs = gateway.clock.monotonicMs();
  return {
    ...arrival,
    id: newRequestId(arrivedMs),
    ruling: gateway.ruling(),
    arrivedMs,
    startedMs,
    receivedMs: startedMs,
    plan: null,
    subject: null,
    session: null,
    conversation: null,
    overheadMs: 0,
    firstByteMs: null,
    attempts: 0,
    waitedMs: 0,
    isCounted: false,
    seen: null,
    look: null,
    slowedMs: 0,
    rule: null,
    routeNote: null,
    waived: null,
    levers: NO_CHANGES,
    sessionSeen: null,
    shadowChanges: [],
  };
}

const NO_CHANGES: readonly LeverChange[] = [];

/** Time since the request was here in full, less what it waited for others. */
export function insideMs(exchange: Exchange, gateway: Gateway): number {
  return Math.max(0, gateway.clock.monotonicMs() - exchange.receivedMs - exchange.waitedMs);
}

/** Who asked, in the form in which records carry it. */
export function attributionOf(exchange: Exchange): Attribution {
  const { plan, subject } = exchange;
  return {
    ...(plan === null ? NOBODY : whoIs(plan)),
    session: subject?.session ?? null,
    agent: subject?.agent ?? null,
    parent_agent: subject?.parentAgent ?? null,
    task_type: taskTypeOf(exchange),
    dialect: "anthropic",
    requested_model: subject?.requestedModel ?? null,
  };
}

export function taskTypeOf({ subject, endpoint }: Exchange): TaskType {
  return subject?.taskType ?? (endpoint === "count_tokens" ? "count" : "other");
}

const NOBODY = { customer: null, team: null, owner: null, virtual_key: null } as const;

function whoIs({ customer, team, owner, virtualKey, labels }: Plan) {
  const ids = { customer, team, owner, virtual_key: virtualKey };
  return labels === null ? ids : { ...ids, labels };
}
