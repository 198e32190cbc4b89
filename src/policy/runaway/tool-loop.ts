/** Tool loop: the same calls again and again, failing or with the same results. */
import type { LimitsOf } from "../../config/runaway-limits.ts";
import type { ToolCall } from "../../wire/anthropic/tail.ts";
import { LOOPS_MAX, Recent } from "./bounded.ts";
import { isWork, lasting, loopOf, type Detector, type Finding, type RequestSeen } from "./event.ts";

type Limits = LimitsOf<"tool_loop">;

const PERIODS = [1, 2, 3, 4] as const;
const STEPS_KEPT = 5;

/** All calls of one answer with what came of them. */
interface Step {
  readonly timeMs: number;
  readonly call: number;
  readonly result: number;
  readonly failed: boolean;
  readonly message: number;
  readonly tool: string;
}

/** How long the last steps have repeated those of a period before. */
interface Run {
  steps: number;
  failedSteps: number;
  sinceMs: number;
}

interface Loop {
  /** Newest first. */
  readonly steps: Step[];
  readonly runs: readonly Run[];
}

export function toolLoop(): Detector<Limits> {
  const loops = new Recent<Loop>(LOOPS_MAX);
  return {
    request(seen, limits) {
      const step = stepOf(seen);
      if (step === null) return null;
      const loop = loops.get(loopOf(seen)) ?? freshLoop();
      loops.set(loopOf(seen), loop);
      // The same message once more is a repetition by the client, not a new step.
      if (loop.steps[0]?.message === step.message) return null;
      const finding = follow(loop, step, limits);
      loop.steps.unshift(step);
      if (loop.steps.length > STEPS_KEPT) loop.steps.pop();
      return finding;
    },
  };
}

function freshLoop(): Loop {
  return { steps: [], runs: PERIODS.map(() => ({ steps: 0, failedSteps: 0, sinceMs: 0 })) };
}

function stepOf(seen: RequestSeen): Step | null {
  const { tail, timeMs } = seen;
  if (tail === null || !isWork(seen) || tail.calls.length === 0) return null;
  const { calls } = tail;
  return {
    timeMs,
    call: calls.reduce((sum, { tool, input }) => mix(mixText(sum, tool), input), 0),
    result: calls.reduce((sum, { result }) => mix(sum, result ?? 0), 0),
    failed: calls.every(({ failed }: ToolCall) => failed),
    message: tail.digest,
    tool: calls.map(({ tool }) => tool).join(" + "),
  };
}

function follow(loop: Loop, step: Step, limits: Limits): Finding | null {
  let finding: Finding | null = null;
  for (const [index, period] of PERIODS.entries()) {
    const run = loop.runs[index];
    const before = loop.steps[period - 1];
    if (run === undefined) continue;
    if (before === undefined || !repeats(step, before)) {
      run.steps = 0;
      run.failedSteps = 0;
      continue;
    }
    if (run.steps === 0) run.sinceMs = before.timeMs;
    run.steps++;
    if (step.failed) run.failedSteps++;
    finding ??= judge(run, { period, step, before }, limits);
  }
  return finding;
}

function repeats(step: Step, before: Step): boolean {
  if (step.call !== before.call) return false;
  return step.result === before.result || (step.failed && before.failed);
}

interface Repetition {
  readonly period: number;
  readonly step: Step;
  readonly before: Step;
}

function judge(run: Run, { period, step }: Repetition, limits: Limits): Finding | null {
  const times = Math.floor(run.steps / period) + 1;
  const tookMs = step.timeMs - run.sinceMs;
  const failing = run.failedSteps * 2 >= run.steps;
  // Whoever waits for a build asks the same and hears the same, but not in haste.
  const hasty = tookMs <= limits.haste_ms * run.steps;
  if (times < (failing || hasty ? limits.repeats : limits.patient_repeats)) return null;
  const what = period === 1 ? `The same ${step.tool} call` : `The same ${period} calls in turn`;
  const how = failing ? "failed" : "brought the same result";
  return {
    sentence: `${what} ${how} ${times} times in ${lasting(tookMs)}.`,
    evidence: { tool: step.tool, period, times, failed: run.failedSteps, took_ms: tookMs },
  };
}

function mix(sum: number, value: number): number {
  return (Math.imul(sum ^ value, 0x01_00_01_93) + 0x9e_37_79_b9) | 0;
}

function mixText(sum: number, text: string): number {
  let mixed = sum;
  for (let at = 0; at < text.length; at++) mixed = mix(mixed, text.charCodeAt(at));
  return mixed;
}
