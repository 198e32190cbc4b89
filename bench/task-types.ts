/** `node bench/task-types.ts`: how well the heuristics tell tasks, on real Claude Code's own requests. */
import { evidenceOf, taskOf } from "../src/routing/task-type/heuristics.ts";
import { ANSWERED_TASKS } from "../src/core/task-type.ts";
import { scanMessagesBody } from "../src/wire/anthropic/scan.ts";
import { claudeCodeBinary } from "../tests/harness/claude-code.ts";
import type { ReceivedRequest } from "../tests/harness/upstream-request.ts";
import { runSession, SESSIONS } from "./task-sessions.ts";
import { progress } from "./progress.ts";

/** What the client's hint says, and what the shape of the same request says without any hint. */
interface Verdict {
  readonly hint: string;
  /** With the hint: what rows show. */
  readonly type: string;
  readonly heuristic: string;
}

const NO_HINT = "(no hint)";

function verdictOf({ headers, body }: ReceivedRequest): Verdict {
  const scanned = scanMessagesBody([body]);
  if (!scanned.ok) throw new Error(scanned.fault.problem);
  const evidence = evidenceOf(headers, scanned.body, [body]);
  const blind = { ...evidence, hint: null, hintsCompaction: false };
  return {
    hint: evidence.hint ?? NO_HINT,
    type: taskOf(evidence).type,
    heuristic: taskOf(blind).type,
  };
}

/** A Markdown table: rows of hints, columns of what the heuristics say. */
function confusion(verdicts: readonly Verdict[]): string {
  const columns = ANSWERED_TASKS.filter((type) => verdicts.some((one) => one.heuristic === type));
  const byHint = Map.groupBy(verdicts, ({ hint, type }) =>
    hint === type ? hint : `${hint} → ${type}`,
  );
  const rows = [...byHint].map(([hint, group]) => {
    const counts = columns.map((type) => group.filter((one) => one.heuristic === type).length);
    return `| ${hint} | ${counts.map((count) => (count === 0 ? "" : count)).join(" | ")} |`;
  });
  const right = verdicts.filter(({ type, heuristic }) => type === heuristic).length;
  return [
    `| hint → type | ${columns.join(" | ")} |`,
    `|---|${columns.map(() => "---:").join("|")}|`,
    ...rows.toSorted(),
    "",
    `${right} of ${verdicts.length} requests are told alike.`,
  ].join("\n");
}

const binary = claudeCodeBinary();
if (binary === null) {
  console.error("Claude Code is not installed: npm test installs it.");
  process.exitCode = 1;
} else {
  const verdicts: Verdict[] = [];
  for (const session of SESSIONS) {
    const found = (await runSession(session, { binary, hints: true })).map(verdictOf);
    progress(`${session.name}: ${found.map(({ hint, type }) => `${hint}/${type}`).join(", ")}`);
    verdicts.push(...found);
  }
  console.log(confusion(verdicts));
}
