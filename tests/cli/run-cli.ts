/** Runs the command line as a child process, as a user would. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Run {
  readonly code: number | null;
  /** Standard output alone. */
  readonly out: string;
  /** Standard error alone. */
  readonly err: string;
}

const CLI = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");
const WIDTH = 80;

const folders: string[] = [];
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A fresh temporary folder, removed when this process ends. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-cli-"));
  folders.push(folder);
  return folder;
}

/** Runs `tollgate ARGS…` in `folder`, whose `data` is the data directory unless `env` says otherwise. */
export function runCli(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, COLUMNS: String(WIDTH), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const run = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (run.out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (run.err += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...run }));
  });
}

/** The lines of a text, without an empty last one. */
export function linesOf(text: string): string[] {
  return text.split("\n").slice(0, -1);
}

/** Lines that would not fit a terminal of 80 columns. */
export function tooWide(text: string): string[] {
  return linesOf(text).filter((line) => line.length > WIDTH);
}
