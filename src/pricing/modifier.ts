/** Surcharges and discounts on token prices as exact fractions; those that apply multiply. */

export interface Modifier {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export interface Modifiers {
  /** Inference is confined to the United States: × 1.1. */
  readonly us: boolean;
  /** A regional endpoint of a cloud: × 1.1. */
  readonly regional: boolean;
  /** The batch interface: × 0.5. */
  readonly batch: boolean;
}

const NEUTRAL: Modifier = { numerator: 1n, denominator: 1n };

/** The factor on every token of a request. Fast mode is no factor: it has rates of its own. */
export function modifierOf({ us, regional, batch }: Modifiers): Modifier {
  if (!us && !regional && !batch) return NEUTRAL;
  const premiums = BigInt(Number(us) + Number(regional));
  return {
    numerator: 11n ** premiums,
    denominator: 10n ** premiums * (batch ? 2n : 1n),
  };
}
