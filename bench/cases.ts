/** What is measured through sockets, and what it may cost at most. */
import { BODY_SIZES, messagesBody } from "./bodies.ts";
import type { Answer } from "./upstream.ts";

export interface Limits {
  /** Tollgate ÷ the baseline. */
  readonly nginx?: number;
  readonly Portkey?: number;
}

/** CPU by request or by event, under load of so many connections. */
export interface Case {
  readonly name: string;
  readonly unit: "request" | "event";
  readonly body: Buffer;
  readonly answer: Answer;
  readonly connections: number;
  readonly limits: Limits;
}

/** Requests at once for whole answers; streams at once for paced ones. */
const CONNECTIONS = 16;
const STREAMS = 64;

const WHOLE_LIMITS: Readonly<Record<string, Limits>> = {
  "4 kB": { nginx: 3.5, Portkey: 0.1 },
  "100 kB": { nginx: 3, Portkey: 0.1 },
  "264 kB": { Portkey: 0.1 },
  "834 kB": { Portkey: 0.1 },
};
const STREAM_LIMITS: Limits = { nginx: 2.5, Portkey: 0.5 };

export function cpuCases(): Case[] {
  const whole = Object.entries(BODY_SIZES).map(([size, bytes]): Case => ({
    name: `whole answer, ${size}`,
    unit: "request",
    body: messagesBody({ bytes, stream: false }),
    answer: "json",
    connections: CONNECTIONS,
    limits: WHOLE_LIMITS[size] ?? {},
  }));
  const stream = (name: string, answer: Answer, limits: Limits): Case => ({
    name,
    unit: "event",
    body: messagesBody({ bytes: BODY_SIZES["4 kB"], stream: true }),
    answer,
    connections: STREAMS,
    limits,
  });
  return [
    ...whole,
    stream(`${STREAMS} paced streams, in step`, "tick", STREAM_LIMITS),
    stream(`${STREAMS} paced streams, each at its own time`, "spread", {}),
  ];
}

/** One of each kind. */
export function warmUpCases(): Case[] {
  const cases = cpuCases();
  return (["tick", "json"] as const).flatMap(
    (answer) => cases.find((one) => one.answer === answer) ?? [],
  );
}

/** Latency of whole answers, one connection: what a lone developer waits more. */
export const LONE_SIZES = ["4 kB", "100 kB"] as const;

/** Requests that come at random at a fixed rate, whether or not those before them are answered. */
export const OPEN_LOOPS = [
  { size: "4 kB", perSecond: 300 },
  { size: "100 kB", perSecond: 100 },
] as const;

/** Streams that have begun and send nothing more. */
export const IDLE = {
  streams: 1000,
  sizes: ["4 kB", "100 kB", "264 kB"],
  limitBytes: 50_000,
} as const;
