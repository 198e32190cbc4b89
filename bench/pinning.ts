/** Which core each side runs on: proxies on the first, load and upstream on the second. */
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { availableParallelism } from "node:os";
import { text } from "node:stream/consumers";
import { programPath } from "../tests/harness/need.ts";

export const PROXY_CORE = 0;
export const LOAD_CORE = 1;

/** True where a side can be kept on its core: more than one, and `taskset`. */
export function canPin(): boolean {
  return availableParallelism() > 1 && programPath("taskset") !== null;
}

/** Starts a command, kept on `core` where that is possible. */
export function spawnOn(
  core: number,
  command: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const whole = canPin() ? ["taskset", "-c", String(core), ...command] : command;
  const [program = "", ...args] = whole;
  return spawn(program, args, options);
}

/** Runs a command on the load's core and gives what it prints. */
export async function outputOf(command: readonly string[]): Promise<string> {
  const child = spawnOn(LOAD_CORE, command, { stdio: ["ignore", "pipe", "inherit"] });
  if (child.stdout === null) throw new Error("a piped output is there");
  return text(child.stdout);
}
