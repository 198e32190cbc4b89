/** Remembers the first attempts of running requests, so that the fold need not read them back. */
import type { Read } from "../store/writer.ts";

export interface FirstAttempts {
  readonly admitted: (row: Read) => void;
  /** The only attempt of a request, as it was admitted; null where it must be read from the table. */
  readonly take: (request: string, attempt: number) => Read | null;
  /** To be called where the request has more to it than its first attempt, or is over. */
  readonly forget: (request: string) => void;
  readonly forgetAll: () => void;
}

/** Far more than ever run at once; what crashes cut off would gather for ever. */
const REMEMBERED = 20_000;

/** None yet. */
export function createFirstAttempts(): FirstAttempts {
  const rows = new Map<string, Read>();
  return {
    admitted: (row) => {
      const request = String(row["request"]);
      if (rows.size >= REMEMBERED) rows.clear();
      if (row["attempt"] === 1) rows.set(request, row);
      else rows.delete(request);
    },
    take: (request, attempt) => {
      const row = attempt === 1 ? (rows.get(request) ?? null) : null;
      rows.delete(request);
      return row;
    },
    forget: (request) => void rows.delete(request),
    forgetAll: () => rows.clear(),
  };
}
