/** What all verbs share: their standard options, and how they are told from each other. */
import { Command } from "commander";
import type { Environment } from "../config/reference.ts";
import { connectControl, type ControlClient } from "./control-client.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { findPlace, type Place } from "./place.ts";

/** Options that every verb has. */
export interface StandardOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** What a verb needs of the world, and where its exit code goes. */
export interface Session {
  readonly environment: Environment;
  /** 0 unless the verb has set another. */
  exitCode: ExitCode;
}

export function newSession(environment: Environment): Session {
  return { environment, exitCode: EXIT.ok };
}

/** A verb with `--config` and `--json`; `usage` is its name and arguments. */
export function newVerb(usage: string, summary: string): Command {
  const [name = "", ...rest] = usage.split(" ");
  const command = new Command(name).description(summary);
  if (rest.length > 0) command.arguments(rest.join(" "));
  return command
    .option("--config <file>", "the configuration file; it names the data directory")
    .option("--json", "print JSON");
}

/** Adds examples to a verb's help. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ tollgate ${example}`);
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

/** Runs `use` with a client of the gateway that the options mean. */
export async function withControl<Result>(
  options: StandardOptions,
  { environment }: Session,
  use: (control: ControlClient, place: Place) => Promise<Result>,
): Promise<Result> {
  const place = findPlace(options.config, environment);
  return use(connectControl(place, environment), place);
}
