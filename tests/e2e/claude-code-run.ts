/** Runs the real Claude Code once, headless, in a home and a folder of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ClaudeCodeRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Workspace {
  /** Where it works. */
  readonly folder: string;
  /** Its home, empty: no settings, no history. */
  readonly home: string;
  readonly dispose: () => Promise<void>;
}

/** Makes an empty working folder and home; `dispose` removes both. */
export async function workspace(): Promise<Workspace> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "tollgate-claude-")));
  const folder = join(root, "work");
  const home = join(root, "home");
  await mkdir(folder);
  await mkdir(home);
  return { folder, home, dispose: () => rm(root, { recursive: true, force: true }) };
}

export interface ClaudeCodeOptions {
  readonly binary: string;
  readonly baseUrl: string;
  readonly key: string;
  readonly folder: string;
  readonly home: string;
  readonly model: string;
  readonly prompt: string;
  /** More for its command line: "--continue". */
  readonly arguments?: readonly string[];
}

const DEADLINE_MS = 90_000;

/** Runs one prompt with `-p` and waits for the end; kills the process at the deadline. */
export async function runClaudeCode(options: ClaudeCodeOptions): Promise<ClaudeCodeRun> {
  const { binary, folder, home, model, prompt } = options;
  const more = options.arguments ?? [];
  const line = ["-p", "--dangerously-skip-permissions", "--model", model, ...more, prompt];
  const child = spawn(binary, line, {
    cwd: folder,
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: home,
      IS_SANDBOX: "1",
      ANTHROPIC_BASE_URL: options.baseUrl,
      ANTHROPIC_API_KEY: options.key,
      CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
    signal: AbortSignal.timeout(DEADLINE_MS),
    killSignal: "SIGKILL",
  });
  child.on("error", () => undefined);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  await once(child, "close");
  return { code: child.exitCode, stdout, stderr };
}
