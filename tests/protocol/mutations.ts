/** The protocol's rules, each left out, and the harm that is done then. */
import type { Harm } from "./invariants.ts";
import type { Rules } from "./rules.ts";
import { NO_TROUBLES, SCARCE, UNEVEN } from "./scenarios.ts";
import type { Scenario } from "./system.ts";

export interface Mutation {
  readonly without: keyof Rules;
  /** What the nodes or the authority do then. */
  readonly instead: string;
  readonly harm: Harm;
  readonly scenario: Scenario;
}

/** In the order of the rules. */
export const MUTATIONS: readonly Mutation[] = [
  {
    without: "newEpochAtStart",
    instead: "a start goes on in the epoch of before, and counts its steps from 1",
    harm: "overspent",
    scenario: { ...SCARCE, troubles: { ...NO_TROUBLES, kill: 2 } },
  },
  {
    without: "startsAreTold",
    instead: "a node takes the welcome of an earlier start",
    harm: "overspent",
    scenario: { ...SCARCE, troubles: { ...NO_TROUBLES, kill: 2, recover: 1 }, troublesMax: 3 },
  },
  {
    without: "waitsForWelcome",
    instead: "a node spends its balance of before a start, without an answer",
    harm: "overspent",
    scenario: SCARCE,
  },
  {
    without: "answersHaveEpochs",
    instead: "a node takes the answer to a step of an earlier epoch",
    harm: "overspent",
    scenario: { ...SCARCE, troubles: { ...NO_TROUBLES, kill: 2 } },
  },
  {
    without: "stepsCountOnce",
    instead: "a step that arrives twice is taken twice",
    harm: "overspent",
    scenario: { ...SCARCE, troubles: { ...NO_TROUBLES, double: 1 } },
  },
  {
    without: "stepsCountOnce",
    instead: "a step that arrives twice moves money twice",
    harm: "counted twice",
    scenario: SCARCE,
  },
  {
    without: "answersCountOnce",
    instead: "an answer that arrives twice is taken twice",
    harm: "overspent",
    scenario: SCARCE,
  },
  {
    without: "refusesFencedLeases",
    instead: "the authority gives what a fenced epoch asks for",
    harm: "lost",
    scenario: SCARCE,
  },
  {
    without: "leasesAreAtomic",
    instead: "a lease is given on the windows that have room, and refused for the others",
    harm: "lost",
    scenario: SCARCE,
  },
  {
    without: "seesLoweredCaps",
    instead: "money is leased while the sum of leases is over a lowered cap",
    harm: "leased over the cap",
    scenario: SCARCE,
  },
  {
    without: "holdsAreAtomic",
    instead: "a hold takes what there is, in the windows that have it",
    harm: "torn",
    scenario: UNEVEN,
  },
  {
    without: "holdsAreJournalledFirst",
    instead: "a request goes out before its hold is written",
    harm: "overspent",
    scenario: SCARCE,
  },
  {
    without: "openHoldsAreCharged",
    instead: "holds that a crash left open cost nothing",
    harm: "overspent",
    scenario: SCARCE,
  },
  {
    without: "returnsAreDeductedFirst",
    instead: "a return is told before it is deducted and journalled",
    harm: "overspent",
    scenario: SCARCE,
  },
  {
    without: "returnsAreSyncedFirst",
    instead: "a return is told while the lines before it are not on disk yet",
    harm: "uncovered",
    scenario: SCARCE,
  },
  {
    without: "refusesFencedReturns",
    instead: "the authority takes what a fenced epoch returns",
    harm: "overspent",
    scenario: { ...SCARCE, troubles: { ...NO_TROUBLES, kill: 1 } },
  },
  {
    without: "forfeitsAfterPowerLoss",
    instead: "a node goes on with its balance after a loss of power",
    harm: "overspent",
    scenario: SCARCE,
  },
  {
    without: "chargesTheDead",
    instead: "the leases of a node that is gone are written off and leased again",
    harm: "overspent",
    scenario: SCARCE,
  },
  {
    without: "recoversTheDeadOnly",
    instead: "the journal of a node is recovered that still runs behind a partition",
    harm: "overspent",
    scenario: SCARCE,
  },
  {
    without: "recoversWholeJournals",
    instead: "segments that were shipped are taken for the whole journal",
    harm: "overspent",
    scenario: SCARCE,
  },
  {
    without: "knowsLostTails",
    instead: "a journal is recovered whose tail a loss of power took",
    harm: "overspent",
    scenario: SCARCE,
  },
  {
    without: "recoversToTheCharged",
    instead: "a journal gives back what it says was left, not what it does not charge",
    harm: "lost for ever",
    scenario: SCARCE,
  },
];
