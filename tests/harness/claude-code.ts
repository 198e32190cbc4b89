/** Where the real Claude Code binary is, for the tests that drive it. */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** `npm test` installs this package by itself, from `tests/claude-code/package.json`. */
const PACKAGES = join(import.meta.dirname, "../claude-code/node_modules/@anthropic-ai");

/** Absolute path of the Claude Code binary; null where it is not installed or not made for this platform. */
export function claudeCodeBinary(): string | null {
  if (process.platform !== "linux") return null;
  const path = join(PACKAGES, `claude-code-linux-${process.arch}`, "claude");
  return existsSync(path) ? path : null;
}
