/** What the ladder is to reach, as figures beside which the measured ones are printed. */

/** Shares in percent, waits in seconds; null: nothing is promised. */
export interface Figures {
  readonly used: number;
  /** Nine of ten days use more than this. */
  readonly usedLow: number | null;
  readonly cut: number | null;
  readonly waited: number | null;
  readonly waitP50: number | null;
  readonly waitP99: number | null;
  /** Refused with more than 5 % of the cap unspent. */
  readonly refused: number | null;
  /** The same by an oracle that knows all but the cache. */
  readonly oracle: number | null;
}

const UNSAID = {
  usedLow: null,
  cut: null,
  waited: null,
  waitP50: null,
  waitP99: null,
  refused: null,
  oracle: null,
} as const;

export const PROMISES = {
  ten: row([97.2, 93.3], 0.16, [1.2, 5, 56], [0.55, 0.51]),
  busy: row([98.5, 97.2], 0.14, [3.2, 5, 57], [0.28, 0.19]),
  thirty: row([97.6, 93.7], 0.05, [0.4, 4, 56], [0.18, 0.19]),
  five: row([95.9, 90.9], 0.23, [2.2, 5, 54], [1.3, 1]),
  team: { ...UNSAID, used: 99.99 },
  session: { ...UNSAID, used: 91, usedLow: 85 },
} as const satisfies Readonly<Record<string, Figures>>;

/** The generator's own figures over a great many days that nothing stops; dollars and shares. */
export const GENERATOR = {
  meanUsd: 13,
  p50Usd: 7.2,
  p90Usd: 31.4,
  topTenthShare: 0.42,
  hitShare: 0.955,
  calls: 279,
} as const;

function row(
  [used, usedLow]: readonly [number, number],
  cut: number,
  [waited, waitP50, waitP99]: readonly [number, number, number],
  [refused, oracle]: readonly [number, number],
): Readonly<Record<keyof Figures, number>> {
  return { used, usedLow, cut, waited, waitP50, waitP99, refused, oracle };
}
