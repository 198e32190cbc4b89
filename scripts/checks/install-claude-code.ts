/** Installs the Claude Code binary that the end-to-end tests drive, where it is missing or another is pinned. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { claudeCodeBinary } from "../../tests/harness/claude-code.ts";
import { capture, ROOT } from "./command.ts";

const FOLDER = join(ROOT, "tests/claude-code");

/** Tolerates a failure: the tests that need the binary are skipped by name then, or fail with `CI=true`. */
export async function installClaudeCode(): Promise<void> {
  const installedMs = await modifiedMs(join(FOLDER, "node_modules/.package-lock.json"));
  const lockMs = await modifiedMs(join(FOLDER, "package-lock.json"));
  if (installedMs >= lockMs && claudeCodeBinary() !== null) return;
  console.log("installing Claude Code for the end-to-end tests (hundreds of megabytes) …");
  const npmArguments = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  const { output } = await capture("npm", npmArguments, FOLDER);
  if (claudeCodeBinary() === null) console.log(`${output}Claude Code could not be installed.`);
}

/** Unix milliseconds; 0 where there is no such file. */
async function modifiedMs(file: string): Promise<number> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw cause;
  }
}
