/** `tollgate providers`: the kinds of providers that exist, one of them, and those that are configured. */
import type { Command } from "commander";
import type { z } from "zod";
import type { providerFields } from "../control/entity-fields.ts";
import type { Status } from "../control/status.ts";
import { CommandFailed, EXIT, usageFault } from "./exit.ts";
import { kindDetails, kindTable } from "./kind-report.ts";
import { tableLines } from "./table.ts";
import { complain, say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withControl, withExamples } from "./verb.ts";

interface Running {
  readonly providers: readonly z.infer<typeof providerFields>[];
  readonly troubles: readonly string[];
}

export function providersVerb(session: Session): Command {
  const command = newVerb(
    "providers [kind]",
    "list the kinds of providers and what they can, and those of the running gateway",
  ).action((kind: string | undefined, options: StandardOptions) =>
    kind === undefined ? tellAll(options, session) : tellOne(kind, options),
  );
  return withExamples(command, ["providers", "providers bedrock"]);
}

async function tellAll(options: StandardOptions, session: Session): Promise<void> {
  const { printedKinds } = await import("../control/provider-kinds.ts");
  const kinds = printedKinds();
  const running = await askRunning(options, session);
  if (options.json === true) {
    return sayJson({
      kinds,
      configured: running?.providers ?? null,
      troubles: running?.troubles ?? null,
    });
  }
  for (const line of kindTable(kinds)) say(line);
  say('"tollgate providers KIND" tells more of one.');
  tellRunning(running);
}

/** From the catalogue alone: the gateway need not run. */
async function tellOne(asked: string, options: StandardOptions): Promise<void> {
  const { printedKinds } = await import("../control/provider-kinds.ts");
  const found = printedKinds().find(({ kind }) => kind === asked);
  if (found === undefined) {
    throw usageFault(`no kind of provider is called ${asked}: "tollgate providers" lists them`);
  }
  if (options.json === true) return sayJson(found);
  for (const line of kindDetails(found)) say(line);
}

/** Null where no gateway runs: the kinds are worth printing all the same. */
async function askRunning(options: StandardOptions, session: Session): Promise<Running | null> {
  try {
    return await withControl(options, session, async (control) => {
      const providers = (await control.all("/api/v1/providers")) as Running["providers"];
      const status = (await control.call("GET", "/api/v1/status")) as Status;
      return { providers, troubles: status.provider_troubles };
    });
  } catch (error) {
    if (error instanceof CommandFailed && error.exitCode === EXIT.unreachable) return null;
    throw error;
  }
}

function tellRunning(running: Running | null): void {
  if (running === null) return complain("No gateway runs here: its providers are not shown.");
  say("");
  const lines = tableLines(running.providers, [
    { title: "ID", cut: true, value: ({ id }) => id },
    { title: "KIND", value: ({ kind }) => kind },
    { title: "KEYS", align: "right", value: ({ keys }) => String(keys.length) },
    { title: "BASE URL", cut: true, value: ({ base_url }) => base_url ?? "the kind's" },
  ]);
  for (const line of lines) say(line);
  for (const trouble of running.troubles) complain(trouble);
}
