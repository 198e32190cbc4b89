/** Remembers the first attempts of running requests, so that the fold need not read or write them twice. */

interface Admitted {
  readonly request: string;
}

/** A first attempt as it was admitted. */
export interface FirstAttempt<Row extends Admitted> {
  readonly row: Row;
  /** False while its row is still to be written. */
  isWritten: boolean;
}

export interface FirstAttempts<Row extends Admitted> {
  /** False: the same attempt waits to be written already. */
  readonly admitted: (row: Row) => boolean;
  /** The only attempt of a request; null where it must be read from the table. It is the caller's to write. */
  readonly take: (request: string, attempt: number) => FirstAttempt<Row> | null;
  /** To be called where the request has more to it than its first attempt, or is over: writes its row. */
  readonly forget: (request: string) => void;
  /** Writes all rows that are still to be written; they stay remembered. */
  readonly flush: () => void;
  /** Writes a row that was taken, as those of attempts that run are written. */
  readonly write: (row: Row) => void;
  /** Forgets all, written or not; after a transaction was undone. */
  readonly forgetAll: () => void;
}

/** Far more than ever run at once; what crashes cut off would gather for ever. */
const REMEMBERED = 20_000;

/** None yet. `write` puts the row of an attempt that runs into its table. */
export function createFirstAttempts<Row extends Admitted>(
  write: (row: Row) => void,
): FirstAttempts<Row> {
  const known = new Map<string, FirstAttempt<Row>>();
  const unwritten = new Set<FirstAttempt<Row>>();
  const take = (request: string): FirstAttempt<Row> | null => {
    const found = known.get(request) ?? null;
    if (found === null) return null;
    known.delete(request);
    unwritten.delete(found);
    return found;
  };
  const forget = (request: string): void => {
    const found = take(request);
    if (found?.isWritten === false) write(found.row);
  };
  const flush = (): void => {
    for (const first of unwritten) {
      first.isWritten = true;
      write(first.row);
    }
    unwritten.clear();
  };
  return {
    admitted: (row) => {
      if (known.size >= REMEMBERED) {
        flush();
        known.clear();
      }
      if (known.get(row.request)?.isWritten === false) return false;
      const first = { row, isWritten: false };
      known.set(row.request, first);
      unwritten.add(first);
      return true;
    },
    take: (request, attempt) => {
      if (attempt === 1) return take(request);
      forget(request);
      return null;
    },
    forget,
    flush,
    write,
    forgetAll: () => {
      known.clear();
      unwritten.clear();
    },
  };
}
