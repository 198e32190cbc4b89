/** `tollgate check`: is the configuration without fault, and does each provider take its keys? */
import { findConfigFile } from "../config/find-file.ts";
import type { Config } from "../config/config.ts";
import { formatFault } from "../config/fault.ts";
import type { Command } from "commander";
import { EXIT } from "./exit.ts";
import { counting } from "./numbers.ts";
import { tryProviderKeys } from "./provider-trial.ts";
import { complain, say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withExamples } from "./verb.ts";

interface CheckOptions extends StandardOptions {
  readonly online?: boolean;
}

export function checkVerb(session: Session): Command {
  const command = newVerb("check", "validate the configuration; exit 78 with one line per fault")
    .option("--online", "try each provider key as well")
    .action((options: CheckOptions) => check(options, session));
  return withExamples(command, ["check", "check --config staging.yaml --online"]);
}

async function check(options: CheckOptions, session: Session): Promise<void> {
  const { readConfig } = await import("../node/reload.ts");
  const file = findConfigFile(options.config ?? null, session.environment);
  const loaded = readConfig(file, session.environment);
  if (!loaded.ok) {
    session.exitCode = EXIT.configuration;
    if (options.json === true) sayJson({ ok: false, faults: loaded.faults, warnings: [] });
    else for (const fault of loaded.faults) complain(formatFault(fault));
    return;
  }
  const { config, warnings } = loaded;
  const trials = options.online === true ? await tryProviderKeys(config) : [];
  const failed = trials.filter((trial) => trial.fault !== null);
  if (failed.length > 0) session.exitCode = EXIT.configuration;
  if (options.json === true) {
    return sayJson({ ok: failed.length === 0, faults: [], warnings, providers: trials });
  }
  for (const warning of warnings) complain(warning);
  for (const { provider, key, fault, tookMs } of trials) {
    const line = `provider ${provider}, key ${key}`;
    if (fault === null) say(`${line}: accepted (${tookMs} ms)`);
    else complain(`${line}: ${fault}`);
  }
  if (failed.length === 0) say(summaryOf(file, config));
}

function summaryOf(file: string | null, config: Config): string {
  const counts = [
    [config.providers.length, "provider"],
    [config.customers.length, "customer"],
    [config.teams.length, "team"],
    [config.virtualKeys.length, "virtual key"],
  ] as const;
  const parts = counts.map(([count, noun]) => counting(count, noun));
  return `${file ?? "the default configuration"} is valid: ${parts.join(", ")}`;
}
