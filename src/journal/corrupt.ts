/** The journal contradicts itself: where, how, and what a person can do about it. */

/** Thrown where going on would build on a record that is not what was written. Nothing was changed. */
export class JournalCorrupt extends Error {
  override readonly name = "JournalCorrupt";
  readonly file: string;
  /** From 1 within the file; 0 where it is about the file as a whole. */
  readonly line: number;
  /** Of the line's first byte. */
  readonly offset: number;

  constructor(
    place: { readonly file: string; readonly line: number; readonly offset: number },
    what: string,
    remedy = "restore the file from a backup; to begin without this history, and so without what was " +
      "spent in it, move the directory away",
  ) {
    super(
      `${place.file}, line ${place.line}, byte ${place.offset}: ${what}. What to do: ${remedy}.`,
    );
    this.file = place.file;
    this.line = place.line;
    this.offset = place.offset;
  }
}
