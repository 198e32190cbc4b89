/** All verbs of the command line, and how a run of it ends. */
import { Command, CommanderError } from "commander";
import { version } from "../version.ts";
import { adminVerb } from "./admin.ts";
import { auditVerb } from "./audit.ts";
import { backupVerb, restoreVerb } from "./backup.ts";
import { checkVerb } from "./check.ts";
import { claudeVerb } from "./claude.ts";
import { correctVerb } from "./correct.ts";
import { demoVerb } from "./demo.ts";
import { doctorVerb } from "./doctor.ts";
import { CommandFailed, EXIT, type ExitCode } from "./exit.ts";
import { keysVerb } from "./keys.ts";
import { pricesVerb } from "./prices.ts";
import { providersVerb } from "./providers.ts";
import { rebuildVerb } from "./rebuild.ts";
import { routeVerb } from "./route.ts";
import { serveVerb } from "./serve.ts";
import { sessionsVerb } from "./sessions.ts";
import { complain } from "./terminal.ts";
import { topVerb } from "./top.ts";
import { usageVerb } from "./usage.ts";
import { newSession, type Session, withExamples } from "./verb.ts";
import type { Environment } from "../config/reference.ts";

const VERBS = [
  serveVerb,
  demoVerb,
  claudeVerb,
  keysVerb,
  sessionsVerb,
  usageVerb,
  topVerb,
  correctVerb,
  checkVerb,
  doctorVerb,
  pricesVerb,
  providersVerb,
  routeVerb,
  auditVerb,
  rebuildVerb,
  backupVerb,
  restoreVerb,
  adminVerb,
];

const VARIABLES = `
Environment:
  TOLLGATE_CONFIG        the configuration file (tollgate.yaml where it exists)
  TOLLGATE_DATA_DIR      the data directory (data)
  TOLLGATE_LISTEN        where clients connect (127.0.0.1:8080)
  TOLLGATE_ADMIN_LISTEN  where the control API listens (127.0.0.1:8081)
  TOLLGATE_ADMIN_TOKEN   its admin token
  TOLLGATE_ADMIN_URL     the control API of a gateway on another machine
  TOLLGATE_KEY           the virtual key of "tollgate claude"

Exit codes: 0 done, 1 failed, 2 wrong usage, 69 no gateway answers, 78 faulty configuration`;

/** Runs one command line (without program names) to its end and resolves to the exit code. */
export async function runCommandLine(
  args: readonly string[],
  environment: Environment,
): Promise<ExitCode> {
  const session = newSession(environment);
  try {
    await programOf(session).parseAsync(args, { from: "user" });
    return session.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof CommandFailed || isSystemError(error))) throw error;
    complain(`tollgate: ${error.message}`);
    return error instanceof CommandFailed ? error.exitCode : EXIT.failed;
  }
}

/** "EACCES: permission denied, open '…'": the machine's trouble, and a sentence already. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}

function programOf(session: Session): Command {
  const program = new Command("tollgate")
    .description("The AI gateway between a Claude Code fleet and its model providers.")
    .version(version)
    .enablePositionalOptions()
    .showHelpAfterError("(--help shows what is possible)");
  for (const verb of VERBS) program.addCommand(verb(session));
  program.addHelpText("after", VARIABLES);
  withExamples(program, [
    "serve",
    "keys create ada --team platform --budget 30/day",
    "usage --by team,model",
    "doctor",
  ]);
  throwInsteadOfExiting(program);
  return program;
}

/** Verbs that were made apart do not inherit it. */
function throwInsteadOfExiting(command: Command): void {
  command.exitOverride();
  for (const verb of command.commands) throwInsteadOfExiting(verb);
}
