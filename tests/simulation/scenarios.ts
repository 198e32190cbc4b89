/** The situations that the product promises something about, each run a number of times. */
import type { MeterDefinition } from "../../src/ledger/state.ts";
import type { Span } from "../../src/core/span.ts";
import { Passage, type Judge } from "./passage.ts";
import { drawDay, drawDeveloper, USUAL, type Habits, type SessionScript } from "./script.ts";
import type { Tally } from "./tally.ts";

/** Tuesday, 24 November 2026, in the time zone of every developer. */
const MIDNIGHT_MS = Date.UTC(2026, 10, 24);
const DAY_MS = 86_400_000;
/** Monday, 2 November 2026: a month begins. */
const MONTH_MS = Date.UTC(2026, 10, 1);
const WORKING_DAYS = [1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19, 22, 23, 24, 25, 26, 29];
const NANO = 1_000_000_000n;
/** A main loop with eight subagents. */
export const BUSY: Habits = { agentsAPrompt: 8 };

/** One capped stretch of traffic and what became of it. */
export interface Trial {
  readonly capUsd: number;
  readonly tally: Tally;
}

export function budgetOf(usd: number, span: Span): MeterDefinition {
  const scope = { type: "team" as const, id: "platform" };
  return { scope, unit: "usd", span, burst: null, cap: BigInt(usd) * NANO, overshoot: "none" };
}

/** A day that nothing stops, to its very end, however many days later. */
export function uncappedDay(seed: number, index: number): Tally {
  return passUncapped(sessionsOf(seed, index, USUAL), Infinity);
}

function sessionsOf(seed: number, index: number, habits: Habits): SessionScript[] {
  const developer = drawDeveloper(seed, index);
  return drawDay({ seed, developer, day: 0, midnightMs: MIDNIGHT_MS, habits });
}

function passUncapped(sessions: readonly SessionScript[], endMs: number): Tally {
  const passage = new Passage({
    startMs: MIDNIGHT_MS,
    endMs,
    budget: null,
    judge: "oracle",
    afterExcess: "clear",
  });
  passage.start(sessions);
  return passage.run();
}

export interface TrialRequest {
  readonly seed: number;
  /** How many capped days, sessions or teams. */
  readonly count: number;
  readonly judge: Judge;
}

const demandUsd = (tally: Tally): number => Number(tally.cost) / Number(NANO);

/** Days whose traffic, unstopped, would have cost more than the cap. */
export function cappedDays(
  request: TrialRequest,
  of: { readonly capUsd: number; readonly habits: Habits },
): Trial[] {
  const { seed, count, judge } = request;
  const endMs = MIDNIGHT_MS + DAY_MS;
  const budget = budgetOf(of.capUsd, { kind: "calendar", per: "day", timeZone: "UTC" });
  const trials: Trial[] = [];
  for (let index = 0; trials.length < count; index++) {
    const sessions = sessionsOf(seed, index, of.habits);
    if (demandUsd(passUncapped(sessions, endMs)) < of.capUsd) continue;
    const passage = new Passage({ startMs: MIDNIGHT_MS, endMs, budget, judge, afterExcess: "clear" });
    passage.start(sessions);
    trials.push({ capUsd: of.capUsd, tally: passage.run() });
  }
  return trials;
}

/** Sessions that would have cost more than the cap. Clearing the context would begin another session. */
export function cappedSessions(request: TrialRequest, capUsd: number): Trial[] {
  const { seed, count, judge } = request;
  const budget = budgetOf(capUsd, { kind: "session" });
  const trials: Trial[] = [];
  for (let index = 0; trials.length < count; index++) {
    for (const session of sessionsOf(seed, index, USUAL)) {
      if (demandUsd(passUncapped([session], Infinity)) < capUsd) continue;
      const passage = new Passage({
        startMs: MIDNIGHT_MS,
        endMs: Infinity,
        budget,
        judge,
        afterExcess: "give up",
      });
      passage.start([session]);
      trials.push({ capUsd, tally: passage.run() });
    }
  }
  return trials.slice(0, count);
}

/** Teams that share a month's cap, until the day on which it is exhausted is over. */
export function cappedTeams(
  request: TrialRequest,
  of: { readonly capUsd: number; readonly developers: number },
): Trial[] {
  const { seed, count, judge } = request;
  const budget = budgetOf(of.capUsd, { kind: "calendar", per: "month", timeZone: "UTC" });
  return Array.from({ length: count }, (_, team) => {
    const passage = new Passage({
      startMs: MONTH_MS,
      endMs: Infinity,
      budget,
      judge,
      afterExcess: "clear",
    });
    const members = Array.from({ length: of.developers }, (_unused, member) =>
      drawDeveloper(seed, team * of.developers + member),
    );
    for (const day of WORKING_DAYS) {
      const midnightMs = MONTH_MS + day * DAY_MS;
      for (const developer of members)
        passage.start(drawDay({ seed, developer, day, midnightMs, habits: USUAL }));
      const { refused } = passage.run(midnightMs + DAY_MS);
      if (refused.budget_exhausted > 0) break;
    }
    return { capUsd: of.capUsd, tally: passage.tally };
  });
}
