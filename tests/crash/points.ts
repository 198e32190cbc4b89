/** Which calls to die at: of a traced run, one of each kind, each at the moments that leave different files. */
import type { KillPoint, Operation, TracedCall } from "./faults.ts";

/** What torn writes leave, in turn: one byte, half, all but the last byte. */
const TORN_SHARES = [0, 0.5, 1] as const;
const OF_ATTEMPTS: ReadonlySet<string> = new Set(["segment/admit", "segment/settle"]);
/** Of the journal alone: `journal.test.ts` dies at every operation on them. */
const JOURNALS_OWN: ReadonlySet<string> = new Set(["head", "boot", "reserve"]);
type Moment = KillPoint["moment"];

/** Lines of the journal count at once; another file does when its temporary one is renamed. */
function momentsOf(operation: Operation, file: string): readonly Moment[] {
  const isSegment = file.startsWith("segment");
  switch (operation) {
    case "write":
      if (JOURNALS_OWN.has(file)) return [];
      if (!isSegment) return ["torn"];
      // Before other lines an attempt is in no state of its own.
      return OF_ATTEMPTS.has(file) ? ["before", "torn", "after"] : ["torn", "after"];
    case "file":
      return ["torn"];
    case "sync":
    case "truncate":
      // Neither changes what other processes read of a temporary file that is still empty or whole.
      return isSegment ? ["after"] : [];
    case "open":
      return JOURNALS_OWN.has(file) ? [] : ["after"];
    case "rename":
      return ["after"];
    default:
      return operation satisfies never;
  }
}

/**
 * The points of a trace: of calls of one kind on one kind of file the first, of writes to a segment
 * those with a type of record that none before had.
 */
export function pointsOf(trace: readonly TracedCall[]): KillPoint[] {
  const seen = new Set<string>();
  const points: KillPoint[] = [];
  let torn = 0;
  for (const { operation, names } of trace) {
    // Lines are known by what they say.
    const file = names
      .slice(names.length > 1 ? 1 : 0)
      .find((name) => !seen.has(`${operation} ${name}`));
    for (const name of names) seen.add(`${operation} ${name}`);
    if (file === undefined) continue;
    for (const moment of momentsOf(operation, file)) {
      const tornShare = TORN_SHARES[torn % TORN_SHARES.length] ?? 0;
      if (moment === "torn") torn += 1;
      const share = moment === "torn" ? { tornShare } : {};
      points.push({ operation, file, nth: 1, moment, ...share });
    }
  }
  return points;
}
