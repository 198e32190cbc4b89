/** The place in a list at which a page ended, as text that only this file reads. */

/** The last row that was shown: lists are ordered by time, then by the number of the ending record. */
export interface Place {
  readonly timeMs: number;
  readonly seq: number;
}

const CURSOR = /^r1:(-?\d{1,16}):(\d{1,16})$/;

/** Text for a place; the same place always has the same text. */
export function formatCursor(place: Place): string {
  return Buffer.from(`r1:${place.timeMs}:${place.seq}`).toString("base64url");
}

/** The place, or null where the text was not made by `formatCursor`. */
export function parseCursor(text: string): Place | null {
  const match = CURSOR.exec(Buffer.from(text, "base64url").toString());
  if (match === null) return null;
  const place = { timeMs: Number(match[1]), seq: Number(match[2]) };
  // Base64 decoding is lenient; only the very text that was given out is taken back.
  return formatCursor(place) === text ? place : null;
}
