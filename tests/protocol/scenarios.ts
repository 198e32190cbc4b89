/** The worlds that are explored: most of them small enough to be explored whole. */
import type { Landmark } from "./landmarks.ts";
import type { Scenario, Troubles } from "./system.ts";

export const NO_TROUBLES: Troubles = {
  kill: 0,
  powerLoss: 0,
  lose: 0,
  double: 0,
  lowerCap: 0,
  recover: 0,
};
const TROUBLES: Troubles = { kill: 2, powerLoss: 1, lose: 1, double: 1, lowerCap: 1, recover: 1 };

/** A's attempts spend from both windows, B's from the second; there is one unit of each. */
export const SCARCE: Scenario = {
  name: "one unit of each window, two troubles",
  caps: [1, 1],
  chains: [[0, 1], [1]],
  most: [1],
  steps: 2,
  attemptsAtOnce: 1,
  troubles: TROUBLES,
  troublesMax: 2,
};

/** Both nodes spend from both windows, of which the first runs out sooner. */
export const UNEVEN: Scenario = {
  ...SCARCE,
  name: "both nodes on both windows, one trouble",
  caps: [1, 2],
  chains: [
    [0, 1],
    [0, 1],
  ],
  most: [2],
  attemptsAtOnce: 2,
  troublesMax: 1,
};

/** Three nodes, too much to be explored whole. */
export const LARGE: Scenario = {
  name: "three nodes on three windows",
  caps: [2, 2, 3],
  chains: [
    [0, 2],
    [1, 2],
    [0, 1, 2],
  ],
  most: [1, 2],
  steps: 6,
  attemptsAtOnce: 2,
  troubles: { kill: 3, powerLoss: 2, lose: 3, double: 3, lowerCap: 1, recover: 3 },
  troublesMax: 8,
};

interface Explored {
  readonly scenario: Scenario;
  /** A little below what there are: where fewer are explored, the model has lost events. */
  readonly statesMin: number;
  /** Landmarks that cannot come here; all others must. */
  readonly unseen: readonly Landmark[];
}

const NEEDS_TWO_UNITS: readonly Landmark[] = [
  "two attempts of a node are out",
  "two nodes spend from one window",
];
/** A recovery needs a death before it, and an epoch that ends without its node's knowledge two starts. */
const NEEDS_TWO_TROUBLES: readonly Landmark[] = [
  "recover",
  "a recovered journal frees money",
  "a node learns that its epoch is over",
  "a node spends while its epoch is over",
];

/** The protocol as it stands does no harm in any of these. */
export const EXPLORED: readonly Explored[] = [
  { scenario: SCARCE, statesMin: 250_000, unseen: NEEDS_TWO_UNITS },
  {
    scenario: {
      ...SCARCE,
      name: "one unit of each window, one step each, three troubles",
      steps: 1,
      troublesMax: 3,
    },
    statesMin: 200_000,
    unseen: [
      ...NEEDS_TWO_UNITS,
      "return",
      "a return is taken",
      "a return of an epoch that is over arrives",
    ],
  },
  {
    scenario: UNEVEN,
    statesMin: 15_000,
    unseen: [...NEEDS_TWO_UNITS, ...NEEDS_TWO_TROUBLES, "the whole of every window is spent"],
  },
  {
    scenario: {
      ...SCARCE,
      name: "two units of each window, one trouble",
      caps: [2, 2],
      most: [1, 2],
      attemptsAtOnce: 2,
      troublesMax: 1,
    },
    statesMin: 150_000,
    unseen: NEEDS_TWO_TROUBLES,
  },
];
