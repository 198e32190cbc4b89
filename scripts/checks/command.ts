/** Runs a tool of node_modules as a check: it passes where the tool exits with 0. */
import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { NO_TESTS, type StepResult } from "./step.ts";

export const ROOT = join(import.meta.dirname, "../..");

/** This Node and the tools of node_modules first. */
const PATH = [
  dirname(process.execPath),
  join(ROOT, "node_modules/.bin"),
  process.env["PATH"] ?? "",
];

/** Exit code and output of a command, run in `folder` (absolute; the checkout's root by default). */
export async function capture(
  command: string,
  commandArguments: readonly string[],
  folder: string = ROOT,
): Promise<{ exitCode: number; output: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child = spawn(command, commandArguments, {
    cwd: folder,
    env: { ...process.env, PATH: PATH.join(delimiter) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  child.once("error", reject);
  child.once("close", (code) => resolve(code ?? 1));
  return { exitCode: await promise, output };
}

/** oxfmt, oxlint, tsc and knip (by its configuration) exit with an error where they find no file. */
export async function runCommand(
  command: string,
  commandArguments: readonly string[],
): Promise<StepResult> {
  const { exitCode, output } = await capture(command, commandArguments);
  return { ok: exitCode === 0, output, note: "", counts: NO_TESTS };
}
