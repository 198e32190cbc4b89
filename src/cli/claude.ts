/** `tollgate claude`: runs Claude Code against the gateway. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import type { Status } from "../control/status.ts";
import { connectControl } from "./control-client.ts";
import { CommandFailed, EXIT, type ExitCode } from "./exit.ts";
import { findPlace, type Place } from "./place.ts";
import { type Session, type StandardOptions, withExamples } from "./verb.ts";

interface ClaudeOptions extends StandardOptions {
  readonly key?: string;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const SIGNAL_EXIT_BASE = 128;

/** The program that `tollgate claude` runs. */
export function claudeBinary({ environment }: Session): string {
  const named = environment["TOLLGATE_CLAUDE_BINARY"] ?? "";
  return named === "" ? "claude" : named;
}

export function claudeVerb(session: Session): Command {
  const command = new Command("claude")
    .description("run Claude Code against the gateway; all arguments are passed on")
    .argument("[args...]", "what Claude Code is given; put -- before options of its own")
    .option("--config <file>", "the configuration file; it names the data directory")
    .option("--key <key>", "the virtual key (TOLLGATE_KEY, else the default configuration's)")
    // "--help" is Claude Code's; "tollgate help claude" shows this one.
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action((args: readonly string[], options: ClaudeOptions) => run(args, options, session));
  return withExamples(command, ["claude", 'claude -p "fix the failing test"']);
}

async function run(
  args: readonly string[],
  options: ClaudeOptions,
  session: Session,
): Promise<void> {
  const place = findPlace(options.config, session.environment);
  const key = options.key ?? keyOf(place, session);
  const url = await urlOf(place, session);
  const environment = {
    ...session.environment,
    ANTHROPIC_BASE_URL: `${url}/anthropic`,
    ANTHROPIC_API_KEY: key,
  };
  // A credential of another account beside ours would be sent along.
  Reflect.deleteProperty(environment, "ANTHROPIC_AUTH_TOKEN");
  const binary = claudeBinary(session);
  session.exitCode = await runProgram(binary, args, environment);
}

function keyOf({ dataDir }: Place, { environment }: Session): string {
  const variable = environment["TOLLGATE_KEY"] ?? "";
  if (variable !== "") return variable;
  try {
    return readFileSync(join(dataDir, "default-key"), "utf8").trim();
  } catch (error) {
    const message =
      'no virtual key: name one with --key or TOLLGATE_KEY; "tollgate keys create" makes one';
    throw new CommandFailed(message, EXIT.configuration, { cause: error });
  }
}

/** Where the running gateway listens; where its configuration says, if it cannot be asked. */
async function urlOf(place: Place, { environment }: Session): Promise<string> {
  const control = connectControl(place, environment);
  try {
    return ((await control.call("GET", "/api/v1/status")) as Status).url;
  } catch (error) {
    if (!(error instanceof CommandFailed) || error.exitCode !== EXIT.unreachable) throw error;
    throw new CommandFailed(
      `no gateway runs on ${place.dataDir}: start it with "tollgate serve" first`,
      EXIT.unreachable,
    );
  }
}

function runProgram(
  binary: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { env: environment, stdio: "inherit" });
    // The terminal sends its signals to both: the child decides, and this waits for it.
    const ignore = (): void => undefined;
    for (const signal of SIGNALS) process.on(signal, ignore);
    child.on("error", (error: NodeJS.ErrnoException) => reject(spawnFault(binary, error)));
    child.on("close", (code, signal) => {
      const killed = signal === null ? 1 : SIGNAL_EXIT_BASE + constants.signals[signal];
      resolve((code ?? killed) as ExitCode);
    });
  });
}

function spawnFault(binary: string, error: NodeJS.ErrnoException): Error {
  if (error.code !== "ENOENT" && error.code !== "EACCES") return error;
  return new CommandFailed(
    `Claude Code is not installed: there is no program "${binary}". Install it with ` +
      '"npm install -g @anthropic-ai/claude-code", or name it in TOLLGATE_CLAUDE_BINARY',
  );
}
