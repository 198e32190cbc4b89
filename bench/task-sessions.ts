/** Sessions of real Claude Code against a scripted upstream, chosen for the kinds of requests that they make. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { workspace, type Workspace } from "../tests/e2e/claude-code-run.ts";
import { text, toolCalls, type Answer } from "../tests/harness/scripts.ts";
import { startUpstream } from "../tests/harness/upstream.ts";
import type { ReceivedRequest } from "../tests/harness/upstream-request.ts";

export interface Session {
  readonly name: string;
  /** Command lines of one home and folder, one after the other; without prompts they run headless. */
  readonly runs: readonly (readonly string[])[];
  /** What is typed into the terminal, with the time to wait after each. */
  readonly typed: readonly (readonly [line: string, waitMs: number])[];
  /** The first answer to the main loop; all others are a text. */
  readonly first: Answer;
  /** Of `.claude/settings.json`. */
  readonly settings: unknown;
  readonly environment: Readonly<Record<string, string>>;
}

const MODEL = "claude-opus-5-5";
const KEY = "sk-ant-scripted-0123456789012345678901234567890";
const HEADLESS = ["-p", "--dangerously-skip-permissions", "--model", MODEL];
const START_MS = 4000;
const DEADLINE_MS = 60_000;

const DONE = text("Done; nothing else is to be said about it.");
const PLAIN: Omit<Session, "name"> = {
  runs: [[...HEADLESS, "Do what is to be done"]],
  typed: [],
  first: DONE,
  settings: {},
  environment: {},
};

/** A tool that the main loop calls first. */
function calls(name: string, input: unknown): Answer {
  return toolCalls([[`toolu_${name}`, name, input]]);
}

const AGENT = { description: "Count", prompt: "Count the files", subagent_type: "general-purpose" };
const EXPLORE = { description: "Look", prompt: "Look around", subagent_type: "Explore" };
const BASH = { command: "ls -la", description: "List files" };
const PROMPT_HOOK = { hooks: [{ type: "prompt", prompt: "Is this fine? $ARGUMENTS" }] };

export const SESSIONS: readonly Session[] = [
  { name: "a shell command", ...PLAIN, first: calls("Bash", BASH) },
  { name: "a subagent", ...PLAIN, first: calls("Agent", AGENT) },
  { name: "an exploring subagent", ...PLAIN, first: calls("Agent", EXPLORE) },
  { name: "a web search", ...PLAIN, first: calls("WebSearch", { query: "weather in Paris" }) },
  {
    name: "a hook that asks a model",
    ...PLAIN,
    settings: { hooks: { Stop: [PROMPT_HOOK], UserPromptSubmit: [PROMPT_HOOK] } },
  },
  {
    name: "summaries of tool use",
    ...PLAIN,
    runs: [[...HEADLESS, "--output-format", "stream-json", "--verbose", "List the files"]],
    first: calls("Bash", BASH),
    environment: { CLAUDE_CODE_EMIT_TOOL_USE_SUMMARIES: "1" },
  },
  {
    name: "a compaction by hand",
    ...PLAIN,
    runs: [
      [...HEADLESS, "Do it"],
      [...HEADLESS, "--continue", "/compact"],
    ],
  },
  {
    name: "a command in auto mode, judged by a model",
    ...PLAIN,
    runs: [["--model", MODEL]],
    first: calls("Bash", { command: "rm -rf ../elsewhere && curl example.com", description: "Go" }),
    typed: [
      ["Clean up elsewhere", 8000],
      ["/exit", 1000],
    ],
  },
  {
    name: "a terminal session",
    ...PLAIN,
    runs: [["--model", MODEL]],
    typed: [
      ["Explain what this repository is about in detail", 4000],
      ["And now list the files that matter", 4000],
      ["/rename", 2500],
      ["/btw what time is it", 3000],
      ["/recap", 3000],
      ["/compact", 5000],
      ["Go on then", 3000],
      ["/exit", 1000],
    ],
    environment: {
      CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: "1",
      CLAUDE_CODE_ENABLE_AWAY_SUMMARY: "1",
    },
  },
  {
    name: "a subagent with progress summaries",
    ...PLAIN,
    first: calls("Agent", AGENT),
    environment: { CLAUDE_CODE_AGENT_PROGRESS_SUMMARIES: "1" },
  },
  {
    name: "a first look at a repository",
    ...PLAIN,
    runs: [
      [...HEADLESS, "/init"],
      [...HEADLESS, "--continue", "And now?"],
    ],
  },
];

/** Runs a session and gives all requests for messages that it has made. */
export async function runSession(
  session: Session,
  of: { readonly binary: string; readonly hints: boolean },
): Promise<readonly ReceivedRequest[]> {
  const place = await workspace();
  const answered = { main: 0 };
  const upstream = await startUpstream((request) => answerOf(session, request, answered));
  try {
    await prepare(place, session);
    const environment = {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: place.home,
      SHELL: "/bin/sh",
      TERM: "xterm-256color",
      IS_SANDBOX: "1",
      DISABLE_TELEMETRY: "1",
      DISABLE_AUTOUPDATER: "1",
      ANTHROPIC_BASE_URL: upstream.url,
      ANTHROPIC_API_KEY: KEY,
      CLAUDE_CODE_GATEWAY_HINT_HEADERS: of.hints ? "1" : "0",
      ...session.environment,
    };
    for (const run of session.runs)
      await runOnce([of.binary, ...run], { session, environment, folder: place.folder });
    return upstream.messages();
  } finally {
    await upstream.stop();
    await place.dispose();
  }
}

function answerOf(session: Session, request: ReceivedRequest, answered: { main: number }): Answer {
  const { tools = [] } = request.json();
  if (tools.length === 0) return text('{"title": "A title", "name": "a-name", "ok": true}');
  const isMain = request.headers["x-claude-code-agent-id"] === undefined && tools.length > 1;
  return isMain && answered.main++ === 0 ? session.first : DONE;
}

/** Answers beforehand what Claude Code would ask a person at its first start. */
async function prepare({ home, folder }: Workspace, { settings }: Session): Promise<void> {
  const trusted = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true };
  const state = {
    hasCompletedOnboarding: true,
    theme: "dark",
    customApiKeyResponses: { approved: [KEY.slice(-20)], rejected: [] },
    projects: { [folder]: trusted },
  };
  await writeFile(join(home, ".claude.json"), JSON.stringify(state));
  await mkdir(join(folder, ".claude"));
  await writeFile(join(folder, ".claude/settings.json"), JSON.stringify(settings));
}

interface Running {
  readonly session: Session;
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
}

async function runOnce([program = "", ...args]: readonly string[], of: Running): Promise<void> {
  const { typed } = of.session;
  const isTyped = typed.length > 0;
  const line = `stty rows 50 cols 150; exec ${[program, ...args].join(" ")}`;
  const child = spawn(isTyped ? "script" : program, isTyped ? ["-qec", line, "/dev/null"] : args, {
    cwd: of.folder,
    env: of.environment,
    stdio: [isTyped ? "pipe" : "ignore", "ignore", "ignore"],
    signal: AbortSignal.timeout(DEADLINE_MS),
    killSignal: "SIGKILL",
  });
  child.on("error", () => undefined);
  child.stdin?.on("error", () => undefined);
  const ended = once(child, "close");
  if (isTyped) await sleep(START_MS);
  for (const [words, waitMs] of typed) {
    child.stdin?.write(words);
    await sleep(300);
    child.stdin?.write("\r");
    await sleep(waitMs);
  }
  if (isTyped) child.kill("SIGKILL");
  await ended;
}
