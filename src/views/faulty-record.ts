/** The fault of one record, which is left out where all others are applied. */

/** A record whose own fields are at fault. */
export class FaultyRecord extends Error {
  override readonly name = "FaultyRecord";
  readonly seq: number;

  constructor(seq: number, cause: unknown) {
    super(`record ${seq} cannot be applied`, { cause });
    this.seq = seq;
  }
}
