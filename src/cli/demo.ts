/** `tollgate demo`: a gateway with made-up developers at work, for a look around; nothing is needed. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import type { Address } from "../config/config.ts";
import { randomBase62 } from "../core/ids.ts";
import { newDemoPlace, SPENDTHRIFT, type DemoPlace } from "./demo-place.ts";
import { work } from "./demo-traffic.ts";
import { CommandFailed, type ExitCode, usageFault } from "./exit.ts";
import { complain, say } from "./terminal.ts";
import { type Session, withExamples } from "./verb.ts";

interface DemoOptions {
  readonly keep?: string;
  readonly speed: string;
}

const SPEED = /^\d{1,3}(\.\d{1,3})?$/;
const TOKEN_CHARACTERS = 43;
const PRIVATE_MODE = 0o700;
const ANY_PORT = "127.0.0.1:0";

export function demoVerb(session: Session): Command {
  const command = new Command("demo")
    .description("run a gateway with the rehearsal provider and made-up traffic, for a look around")
    .option("--keep <dir>", "keep configuration and data in this new directory")
    .option("--speed <times>", "how many times faster than people work", "1")
    .action(async (options: DemoOptions) => {
      const speed = SPEED.test(options.speed) ? Number(options.speed) : 0;
      if (speed === 0) throw usageFault(`--speed ${options.speed} is no number above 0`);
      const folder = folderOf(options);
      try {
        session.exitCode = await run(folder, speed);
      } finally {
        if (options.keep === undefined) rmSync(folder, { recursive: true, force: true });
        else complain(`Kept in ${folder}.`);
      }
    });
  return withExamples(command, ["demo", "demo --speed 5 --keep ./demo"]);
}

function folderOf({ keep }: DemoOptions): string {
  if (keep === undefined) return mkdtempSync(join(tmpdir(), "tollgate-demo-"));
  const folder = resolve(keep);
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new CommandFailed(`${folder} is not empty: name a directory that is new`);
  mkdirSync(folder, { recursive: true, mode: PRIVATE_MODE });
  return folder;
}

async function run(folder: string, speed: number): Promise<ExitCode> {
  const place = newDemoPlace();
  const token = `tga_${randomBase62(TOKEN_CHARACTERS)}`;
  const configFile = join(folder, "tollgate.yaml");
  writeFileSync(configFile, place.configuration);
  const ending = new AbortController();
  const end = (): void => ending.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  let developers: readonly Promise<void>[] = [];
  const { serve } = await import("../main.ts");
  try {
    const ended = await serve({
      configFile,
      // Nothing of the shell's own gateway must get in here.
      environment: {
        ...place.environment,
        TOLLGATE_DATA_DIR: join(folder, "data"),
        TOLLGATE_LISTEN: ANY_PORT,
        TOLLGATE_ADMIN_LISTEN: ANY_PORT,
        TOLLGATE_ADMIN_TOKEN: token,
      },
      say: () => {},
      // Caps as small as these are worth a warning, and meant to be.
      complain: (line) => (line.includes("warning") ? undefined : complain(line)),
      onReady: ({ dataPlane, admin }) => {
        const url = urlOf(dataPlane);
        greet({ place, url, adminUrl: urlOf(admin), token, configFile });
        const { signal } = ending;
        developers = place.developers.map((each) => work(each, { url, speed, signal }));
      },
    });
    return ended as ExitCode;
  } finally {
    end();
    await Promise.all(developers);
  }
}

function urlOf({ host, port }: Address): string {
  return `http://${host}:${port}`;
}

function greet(at: {
  readonly place: DemoPlace;
  readonly url: string;
  readonly adminUrl: string;
  readonly token: string;
  readonly configFile: string;
}): void {
  const { place, url, adminUrl, token, configFile } = at;
  const { length } = place.developers;
  for (const line of [
    `${length} made-up developers of two companies work through ${url}.`,
    "The embedded rehearsal provider answers them: no real model, no money.",
    "",
    `Status page:   ${adminUrl}/`,
    `Admin token:   ${token}`,
    `Configuration: ${configFile}`,
    "",
    "In another terminal:",
    `  export TOLLGATE_ADMIN_URL=${adminUrl}`,
    `  export TOLLGATE_ADMIN_TOKEN=${token}`,
    "  tollgate top                            who spends how fast, live",
    "  tollgate usage --by team,model          what was used",
    "  tollgate keys list                      the keys and their budgets",
    `  curl -H "authorization: Bearer $TOLLGATE_ADMIN_TOKEN" ${adminUrl}/metrics`,
    "",
    `${SPENDTHRIFT.key} has $${SPENDTHRIFT.capUsd} a day and is in a hurry: within minutes max_tokens is lowered,`,
    "then requests are refused, and the cap is not passed by a nano-dollar.",
    "",
    "Claude Code can join in:",
    `  export ANTHROPIC_BASE_URL=${url}/anthropic`,
    `  export ANTHROPIC_API_KEY=${place.developers[0]?.secret ?? ""}`,
    "",
    "Ctrl-C stops it.",
  ])
    say(line);
}
