/** The situations that the product promises something about, as stretches of capped traffic. */
import type { Span } from "../../src/core/span.ts";
import type { MeterDefinition } from "../../src/ledger/state.ts";
import { pass, type Stretch } from "./passage.ts";
import { drawDay, drawDeveloper, USUAL, type Habits, type SessionScript } from "./script.ts";
import type { Tally } from "./tally.ts";

const DAY_MS = 86_400_000;
/** Tuesday, 24 November 2026; everybody lives in UTC. */
const MIDNIGHT_MS = Date.UTC(2026, 10, 24);
/** A month that begins on a Sunday. */
const MONTH_MS = Date.UTC(2026, 10, 1);
const MONTH_DAYS = 30;
const NANO = 1_000_000_000n;

/** As many agents a prompt as put nine requests in flight in the fullest moment of half of the days. */
export const BUSY: Habits = { agentsAPrompt: 4 };

type Overshoot = MeterDefinition["overshoot"];

/** A budget of a team; in the rows of one developer the team is that developer. */
export function budgetOf(usd: number, span: Span, overshoot: Overshoot = "none"): MeterDefinition {
  const scope = { type: "team" as const, id: "platform" };
  return { scope, unit: "usd", span, burst: null, cap: BigInt(usd) * NANO, overshoot };
}

/** A developer's sessions of one day that nothing stops, to their very end, however many days later. */
export function uncappedDay(seed: number, index: number): Tally {
  return demandOf(sessionsOf(seed, index, USUAL), Infinity);
}

function sessionsOf(seed: number, index: number, habits: Habits): SessionScript[] {
  const developer = drawDeveloper(seed, index);
  return drawDay({ seed, developer, day: 0, midnightMs: MIDNIGHT_MS, habits });
}

function demandOf(sessions: readonly SessionScript[], endMs: number): Tally {
  return pass(stretchOf(sessions, { endMs, budget: null, afterExcess: "clear" }), "oracle");
}

function stretchOf(
  sessions: readonly SessionScript[],
  of: Pick<Stretch, "endMs" | "budget" | "afterExcess">,
): Stretch {
  return { startMs: MIDNIGHT_MS, ...of, days: () => [{ sessions, endMs: Infinity }] };
}

export interface DaysRequest {
  readonly seed: number;
  readonly count: number;
  readonly capUsd: number;
  readonly habits?: Habits;
  readonly overshoot?: Overshoot;
  /** What people do whose context no longer fits; by default they give the session up. */
  readonly afterExcess?: Stretch["afterExcess"];
}

/** Days of one developer each that would have cost more than the cap, had nothing stopped them. */
export function cappedDays(request: DaysRequest): Stretch[] {
  const { seed, count, capUsd, habits = USUAL, afterExcess = "give up" } = request;
  const endMs = MIDNIGHT_MS + DAY_MS;
  const span: Span = { kind: "calendar", per: "day", timeZone: "UTC" };
  const budget = budgetOf(capUsd, span, request.overshoot);
  const stretches: Stretch[] = [];
  for (let index = 0; stretches.length < count; index++) {
    const sessions = sessionsOf(seed, index, habits);
    if (demandOf(sessions, endMs).cost > budget.cap)
      stretches.push(stretchOf(sessions, { endMs, budget, afterExcess }));
  }
  return stretches;
}

/** Sessions that would have cost more than the cap; to clear one would be to begin another. */
export function cappedSessions(seed: number, count: number, capUsd: number): Stretch[] {
  const budget = budgetOf(capUsd, { kind: "session" });
  const stretches: Stretch[] = [];
  for (let index = 0; stretches.length < count; index++)
    for (const session of sessionsOf(seed, index, USUAL))
      if (demandOf([session], Infinity).cost > budget.cap)
        stretches.push(stretchOf([session], { endMs: Infinity, budget, afterExcess: "give up" }));
  return stretches.slice(0, count);
}

/** Teams that share a month's cap, until the end of the day that exhausts it. */
export function cappedTeams(
  seed: number,
  count: number,
  of: { readonly capUsd: number; readonly developers: number },
): Stretch[] {
  const budget = budgetOf(of.capUsd, { kind: "calendar", per: "month", timeZone: "UTC" });
  return Array.from({ length: count }, (_, team) => {
    const members = Array.from({ length: of.developers }, (_unused, member) =>
      drawDeveloper(seed, team * of.developers + member),
    );
    return {
      startMs: MONTH_MS,
      endMs: Infinity,
      budget,
      afterExcess: "give up",
      *days() {
        for (let day = 0; day < MONTH_DAYS; day++) {
          const midnightMs = MONTH_MS + day * DAY_MS;
          const draw = { seed, day, midnightMs, habits: USUAL };
          const isWeekend = [0, 6].includes(new Date(midnightMs).getUTCDay());
          const sessions = members.flatMap((developer) => drawDay({ developer, ...draw }));
          if (!isWeekend) yield { sessions, endMs: midnightMs + DAY_MS };
        }
      },
    };
  });
}
