/**
 * The lease protocol, rule by rule.
 *
 * An authority keeps, for each window, its cap and what each node is leased of it. A node spends out of
 * its leases alone, and writes all that it does into a journal. Messages may be lost, doubled, reordered
 * and late without end; nodes may be killed, lose power, come back or never come back. Whatever happens,
 * what the providers bill never exceeds the cap.
 *
 * Each rule can be left out to see what it is for: mutations.ts names the harm that is done then.
 */

/** True: the rule holds. */
export interface Rules {
  // Epochs: who may speak.

  /** A start gets an epoch of its own; the one before is over. */
  readonly newEpochAtStart: boolean;
  /** A node takes the welcome of its own start only. */
  readonly startsAreTold: boolean;
  /** Balances of before a start are not spent until the authority has answered. */
  readonly waitsForWelcome: boolean;
  /** A node takes answers of its own epoch only. */
  readonly answersHaveEpochs: boolean;

  // Steps: by (node, epoch, sequence).

  /** A step that comes twice is taken once, and answered as it was. */
  readonly stepsCountOnce: boolean;
  /** A node takes an answer once, and only to the step that it awaits. */
  readonly answersCountOnce: boolean;

  // Leases.

  /** What a fenced epoch asks for is not given. */
  readonly refusesFencedLeases: boolean;
  /** A lease is given on all windows or on none. */
  readonly leasesAreAtomic: boolean;
  /** Nothing is leased while the sum of leases is over the cap in force. */
  readonly seesLoweredCaps: boolean;

  // Attempts.

  /** A hold is taken from all windows of the chain or from none. */
  readonly holdsAreAtomic: boolean;
  /** A hold is in the journal before the request goes out. */
  readonly holdsAreJournalledFirst: boolean;
  /** Holds that a crash left open are charged. */
  readonly openHoldsAreCharged: boolean;

  // Returns.

  /** A return is deducted and journalled before it is told. */
  readonly returnsAreDeductedFirst: boolean;
  /** What leads to a return is on disk before it is told: a loss of power must not bring a hold back. */
  readonly returnsAreSyncedFirst: boolean;
  /** What a fenced epoch returns is not taken. */
  readonly refusesFencedReturns: boolean;

  // Loss and death.

  /** After a loss of power, what was leased before counts as spent. */
  readonly forfeitsAfterPowerLoss: boolean;
  /** The leases of a node that is gone stay charged: they are not written off and leased again. */
  readonly chargesTheDead: boolean;
  /** Money returns from the journal of a process that has ended, and with it that process's epoch. */
  readonly recoversTheDeadOnly: boolean;
  /** Money returns from a complete journal, not from the part that was shipped. */
  readonly recoversWholeJournals: boolean;
  /** A journal whose tail a loss of power took is not complete. */
  readonly knowsLostTails: boolean;
  /** A recovered journal leaves leased what it charges: also money comes back of which it never heard. */
  readonly recoversToTheCharged: boolean;
}

/** The protocol as it stands. */
export const SOUND: Rules = {
  newEpochAtStart: true,
  startsAreTold: true,
  waitsForWelcome: true,
  answersHaveEpochs: true,
  stepsCountOnce: true,
  answersCountOnce: true,
  refusesFencedLeases: true,
  leasesAreAtomic: true,
  seesLoweredCaps: true,
  holdsAreAtomic: true,
  holdsAreJournalledFirst: true,
  openHoldsAreCharged: true,
  returnsAreDeductedFirst: true,
  returnsAreSyncedFirst: true,
  refusesFencedReturns: true,
  forfeitsAfterPowerLoss: true,
  chargesTheDead: true,
  recoversTheDeadOnly: true,
  recoversWholeJournals: true,
  knowsLostTails: true,
  recoversToTheCharged: true,
};
