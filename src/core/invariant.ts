/** Assertions that stay on in production: a false one is a bug, never a decision. */

/** Thrown where the product contradicts itself. Carries no user data. */
export class InvariantBroken extends Error {
  override readonly name = "InvariantBroken";
}

/** Throws `InvariantBroken` naming `claim` where `holds` is false. */
export function invariant(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new InvariantBroken(claim);
}
