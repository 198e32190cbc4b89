/** `tollgate audit verify`: is the journal complete and unchanged? Needs only its files. */
import { Command } from "commander";
import { resolve } from "node:path";
import { type NodeReport, type Problem, verifyDirectory } from "../journal/verify.ts";
import { EXIT } from "./exit.ts";
import { counting } from "./numbers.ts";
import { findPlace } from "./place.ts";
import { complain, say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withExamples } from "./verb.ts";

export function auditVerb(session: Session): Command {
  const verify = newVerb(
    "verify [dir]",
    "check every line of the journal; exit 1 where it is wrong",
  ).action((directory: string | undefined, options: StandardOptions) =>
    verifyJournal(directory, options, session),
  );
  withExamples(verify, ["audit verify", "audit verify /backup/tollgate-data --json"]);
  return new Command("audit").description("check the journal").addCommand(verify);
}

function verifyJournal(
  directory: string | undefined,
  options: StandardOptions,
  session: Session,
): void {
  const dataDir =
    directory === undefined
      ? findPlace(options.config, session.environment).dataDir
      : resolve(directory);
  const report = verifyDirectory(dataDir);
  if (!report.ok) session.exitCode = EXIT.failed;
  if (options.json === true) return sayJson(report);
  if (report.fault !== null) return complain(`${report.fault}: name a data directory`);
  for (const node of report.nodes) tell(node);
}

function tell(node: NodeReport): void {
  const { problems, problemCount } = node;
  for (const problem of problems) complain(sentence(problem));
  if (problemCount > problems.length) complain(`and ${problemCount - problems.length} more`);
  for (const note of node.notes) complain(note);
  const extent = `${counting(node.lines, "line")} in ${counting(node.segments, "segment")}`;
  if (problemCount > 0) {
    complain(`node ${node.node}: ${counting(problemCount, "fault")} in ${extent}`);
    return;
  }
  const end = node.lines === 0 ? "" : `, seq ${node.firstSeq} to ${node.lastSeq}`;
  say(`node ${node.node}: ${extent}${end}, all sound`);
  if (node.lines > 0) say(`last line: ${node.lastHash}`);
}

function sentence({ file, line, offset, what, expected, found }: Problem): string {
  const place = line === 0 ? file : `${file}, line ${line}, byte ${offset}`;
  return `${place}: ${what}: expected ${expected}, found ${found}`;
}
