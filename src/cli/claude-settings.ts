/** `tollgate claude-settings`: Claude Code's managed settings that fit the levers of a key. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import type { PrintedLevers } from "../control/levers.ts";
import type { Status } from "../control/status.ts";
import { managedSettings } from "./managed-settings.ts";
import { say } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withControl, withExamples } from "./verb.ts";

interface SettingsOptions extends StandardOptions {
  readonly key?: string;
  readonly model?: string;
  readonly url?: string;
  readonly output?: string;
}

export function claudeSettingsVerb(session: Session): Command {
  const summary = "write Claude Code's managed settings that fit the levers";
  const command = newVerb("claude-settings", summary)
    .option("--key <id>", "the virtual key whose levers count; else the gateway's own alone")
    .option("--url <url>", "the gateway's address for clients; else where it listens")
    .option("--model <name>", "the model that sessions begin with")
    .option("--output <file>", "write them there instead of printing them")
    .action((options: SettingsOptions) => run(options, session));
  return withExamples(command, [
    "claude-settings --key ada",
    "claude-settings --key ada --url https://gateway.example --output managed-settings.json",
  ]);
}

function run(options: SettingsOptions, session: Session): Promise<void> {
  return withControl(options, session, async (control) => {
    const query =
      options.key === undefined ? "" : `?virtual_key=${encodeURIComponent(options.key)}`;
    const levers = (await control.call("GET", `/api/v1/levers${query}`)) as PrintedLevers;
    const url = options.url ?? ((await control.call("GET", "/api/v1/status")) as Status).url;
    const settings = managedSettings(levers, { url, model: options.model ?? null });
    const text = JSON.stringify(settings, null, 2);
    if (options.output === undefined) return say(text);
    writeFileSync(options.output, `${text}\n`);
    say(`${options.output} is written: put it where Claude Code looks for managed settings.`);
  });
}
