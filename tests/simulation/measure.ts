/** The figures that many passages come to. */
import { percentile } from "../../bench/statistics.ts";
import { ALL_RUNGS } from "./gate.ts";
import { pass, type Stretch } from "./passage.ts";
import type { Figures, GENERATOR } from "./promises.ts";
import { uncappedDay } from "./scenarios.ts";
import { mean, sum, type Tally } from "./tally.ts";

/** The promised figures as measured, and some more. */
export interface Measured extends Readonly<Record<keyof Figures, number>> {
  /** Requests whose tokens the upstream counted, in percent. */
  readonly counted: number;
  readonly oracleUsed: number;
  /** The worst of all stretches, in percent of its cap. */
  readonly usedMost: number;
  /** Stretches that went over their cap, in percent. */
  readonly over: number;
  /** Requests in flight in the fullest moment of the middle stretch. */
  readonly inFlight: number;
  /** Settled when somebody first waited, in percent of the cap; of the middle stretch. */
  readonly firstWait: number;
  /** Minutes during which somebody waited, of the middle stretch. */
  readonly queueMinutes: number;
}

const MS_PER_SECOND = 1_000;
const MS_PER_MINUTE = 60_000;

/** Lets every stretch pass twice: by the ladder with these rungs, and by the oracle. */
export function measure(stretches: readonly Stretch[], rungs = ALL_RUNGS): Measured {
  const used = (tallies: readonly Tally[]) =>
    tallies.map((tally, index) => 100 * tally.usedOf(stretches[index]?.budget?.cap ?? 1n));
  const tallies = stretches.map((stretch) => pass(stretch, rungs));
  const oracles = byOracle(stretches);
  const usedShares = used(tallies);
  const waits = tallies.flatMap(({ waitsMs }) => waitsMs);
  const firstWaits = tallies.flatMap(({ firstWaitShare }) => firstWaitShare ?? []);
  return {
    used: mean(usedShares),
    usedLow: percentile(usedShares, 0.1),
    usedMost: Math.max(...usedShares),
    over: (100 * usedShares.filter((share) => share > 100).length) / usedShares.length,
    oracleUsed: mean(used(oracles)),
    cut: percent(tallies, "cut", "answers"),
    waited: (100 * waits.length) / sum(tallies.map(({ requests }) => requests)),
    waitP50: percentile(waits, 0.5) / MS_PER_SECOND,
    waitP99: percentile(waits, 0.99) / MS_PER_SECOND,
    refused: percent(tallies, "refusedEarly", "requests"),
    oracle: percent(oracles, "refusedEarly", "requests"),
    counted: percent(tallies, "counted", "requests"),
    inFlight: percentile(
      tallies.map(({ mostInFlight }) => mostInFlight),
      0.5,
    ),
    firstWait: 100 * percentile(firstWaits, 0.5),
    queueMinutes:
      percentile(
        tallies.map(({ queueMs }) => queueMs),
        0.5,
      ) / MS_PER_MINUTE,
  };
}

const judgedByOracle = new WeakMap<readonly Stretch[], readonly Tally[]>();

/** Once for the same stretches, however many rungs they are measured with. */
function byOracle(stretches: readonly Stretch[]): readonly Tally[] {
  const tallies =
    judgedByOracle.get(stretches) ?? stretches.map((stretch) => pass(stretch, "oracle"));
  judgedByOracle.set(stretches, tallies);
  return tallies;
}

type Count = "cut" | "answers" | "requests" | "refusedEarly" | "counted";

function percent(tallies: readonly Tally[], part: Count, whole: Count): number {
  return (100 * sum(tallies.map((tally) => tally[part]))) / sum(tallies.map((t) => t[whole]));
}

/** What days cost that nothing stops: the generator against the traffic that it was made from. */
export function measureGenerator(
  seed: number,
  days: number,
): Readonly<Record<keyof typeof GENERATOR, number>> {
  const tallies = Array.from({ length: days }, (_, index) => uncappedDay(seed, index));
  const usd = tallies.map(({ cost }) => Number(cost) / 1e9);
  const top = usd.toSorted((a, b) => b - a).slice(0, Math.round(days / 10));
  const total = (field: "readTokens" | "inputTokens" | "requests") =>
    sum(tallies.map((tally) => tally[field]));
  return {
    meanUsd: mean(usd),
    p50Usd: percentile(usd, 0.5),
    p90Usd: percentile(usd, 0.9),
    topTenthShare: sum(top) / sum(usd),
    hitShare: total("readTokens") / total("inputTokens"),
    calls: total("requests") / days,
  };
}
