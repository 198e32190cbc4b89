/** `tollgate providers`: the kinds of providers that exist, and those that are configured. */
import type { Command } from "commander";
import type { z } from "zod";
import type { providerFields } from "../control/entity-fields.ts";
import type { Status } from "../control/status.ts";
import { providerKinds, rowOf } from "../providers/catalogue.ts";
import { CommandFailed, EXIT } from "./exit.ts";
import { tableLines } from "./table.ts";
import { complain, say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withControl } from "./verb.ts";

interface Running {
  readonly providers: readonly z.infer<typeof providerFields>[];
  readonly troubles: readonly string[];
}

export function providersVerb(session: Session): Command {
  return newVerb(
    "providers",
    "list the kinds of providers, and those of the running gateway",
  ).action(async (options: StandardOptions) => {
    const kinds = providerKinds().flatMap((kind) => rowOf(kind) ?? []);
    const running = await askRunning(options, session);
    if (options.json === true) {
      return sayJson({
        kinds: kinds.map(({ kind, title, baseUrl }) => ({ kind, title, base_url: baseUrl })),
        configured: running?.providers ?? null,
        troubles: running?.troubles ?? null,
      });
    }
    const lines = tableLines(kinds, [
      { title: "KIND", value: ({ kind }) => kind },
      { title: "PROVIDER", value: ({ title }) => title },
      { title: "BASE URL", cut: true, value: ({ baseUrl }) => baseUrl ?? "the file names it" },
    ]);
    for (const line of lines) say(line);
    tellRunning(running);
  });
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
