/** Removes rows that are older than they are to be kept. */
import type { DatabaseSync } from "node:sqlite";

const ROWS_AT_A_TIME = 5000;

/** `pruned_before_ms` in `meta` remembers how far it went, in Unix milliseconds. */
const MARK = `INSERT INTO meta VALUES ('pruned_before_ms', ?) ON CONFLICT DO UPDATE
  SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))`;

const STEPS = [
  `DELETE FROM corrections WHERE seq IN (SELECT corrections.seq FROM corrections JOIN attempts
    ON attempts.request = corrections.request AND attempts.attempt = corrections.attempt
    WHERE attempts.request_ms < ? LIMIT ${ROWS_AT_A_TIME})`,
  `DELETE FROM attempts WHERE seq IN
    (SELECT seq FROM attempts WHERE request_ms < ? LIMIT ${ROWS_AT_A_TIME})`,
  `DELETE FROM requests WHERE seq IN
    (SELECT seq FROM requests WHERE time_ms < ? LIMIT ${ROWS_AT_A_TIME})`,
];

/**
 * Removes the requests of before `beforeMs`, their attempts and corrections, some thousand at a time.
 * Roll-ups and dimensions stay. To be called with the start of a quarter of an hour, so that what is
 * gone from the rows is in whole roll-ups.
 *
 * @param pause Awaited between the steps, so that others get their turn.
 * @returns How many requests were removed.
 */
export async function pruneRows(
  database: DatabaseSync,
  beforeMs: number,
  pause: () => Promise<unknown>,
): Promise<number> {
  database.prepare(MARK).run(String(beforeMs));
  let removed = 0;
  for (const text of STEPS) {
    const statement = database.prepare(text);
    for (let changes = ROWS_AT_A_TIME; changes === ROWS_AT_A_TIME; await pause()) {
      changes = Number(statement.run(beforeMs).changes);
      if (text === STEPS.at(-1)) removed += changes;
    }
  }
  return removed;
}
