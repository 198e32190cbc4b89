/** What detectors of runaways see of a session: its requests and how they ended. */
import type { MessagesTail } from "../../wire/anthropic/tail.ts";

/** A request of a session has been read. */
export interface RequestSeen {
  /** Unix milliseconds. */
  readonly timeMs: number;
  /** Null for the main loop. */
  readonly agent: string | null;
  readonly parent: string | null;
  /** The client's id of what a person typed; null where it sends none. */
  readonly prompt: string | null;
  readonly task: string;
  readonly model: string | null;
  /** How often the client itself has repeated it. */
  readonly retries: number;
  readonly bytes: number;
  readonly toolsBytes: number;
  /** Null where the request was refused unread, or its end could not be made out. */
  readonly tail: MessagesTail | null;
}

/** It has ended. */
export interface AnswerSeen {
  readonly timeMs: number;
  readonly request: RequestSeen;
  readonly outcome: "ok" | "refused" | "upstream_error" | "client_closed" | "interrupted";
  /** Tokens of input, whether cached or not; null where nobody told. */
  readonly contextTokens: number | null;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly writesForAnHour: boolean;
  readonly outputTokens: number;
  /** About so many bytes of the answer can be seen. */
  readonly visibleBytes: number;
  readonly stopReason: string | null;
}

export type Evidence = Readonly<Record<string, number | string>>;

/** What a detector says of a session. */
export interface Finding {
  /** One sentence for a person, with the evidence in numbers. */
  readonly sentence: string;
  readonly evidence: Evidence;
}

/** One pattern's memory of one session: bounded, and fed in the order of events. */
export interface Detector<Limits> {
  readonly request?: (seen: RequestSeen, limits: Limits) => Finding | null;
  readonly answer?: (seen: AnswerSeen, limits: Limits) => Finding | null;
}

export const MINUTE_MS = 60_000;

/** True for calls of a loop that works: no title, summary, compaction or side question. */
export function isWork({ task }: RequestSeen): boolean {
  return task === "main" || task === "subagent" || task === "workflow" || task === "other";
}

/** Which loop of the session it belongs to. */
export function loopOf({ agent }: RequestSeen): string {
  return agent ?? "";
}

/** 0.5 → "30 s", 12.3 → "12 min": how long something took. */
export function lasting(ms: number): string {
  if (ms < 2 * MINUTE_MS) return `${Math.max(1, Math.round(ms / 1000))} s`;
  return `${Math.round(ms / MINUTE_MS)} min`;
}
