/** `tollgate keys import`: makes many virtual keys from a CSV file, all or none. */
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { CsvText } from "../control/csv.ts";
import { type MadeKey, printKeyRows } from "../control/key-csv.ts";
import { CommandFailed } from "./exit.ts";
import { complain, say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withControl, withExamples } from "./verb.ts";

export const KEYS_PATH = "/api/v1/virtual-keys";

/** Secrets are for their owner alone. */
const PRIVATE_MODE = 0o600;

export function importVerb(session: Session): Command {
  const command = newVerb("import <file>", "make many virtual keys from CSV, all or none")
    .option("--out <file>", "a new file for the keys with their secrets (0600); else printed")
    .action((file: string, options: StandardOptions & { out?: string }) =>
      withControl(options, session, async (control) => {
        const text = new CsvText(readFileSync(file, "utf8"));
        const write = openOut(options);
        try {
          const { data } = (await control.call("POST", KEYS_PATH, text)) as { data: MadeKey[] };
          write.done(data);
          complain(`${data.length} virtual keys are made; their secrets are not shown again.`);
        } catch (error) {
          write.failed();
          throw error;
        }
      }),
    );
  command.addHelpText(
    "after",
    "\nColumns, in any order: id, team, name, owner, expires, budget (30/day;250/month), models,\n" +
      "provider, label:NAME. Lists within a value are separated by semicolons.",
  );
  return withExamples(command, ["keys import new.csv --out made.csv"]);
}

interface Out {
  readonly done: (keys: readonly MadeKey[]) => void;
  readonly failed: () => void;
}

/** Opened before anything is made: secrets must have a place to go to. */
function openOut({ out, json }: StandardOptions & { readonly out?: string }): Out {
  const print = (keys: readonly MadeKey[]): string =>
    json === true ? `${JSON.stringify(keys, null, 2)}\n` : printKeyRows(keys);
  if (out === undefined) {
    const done = (keys: readonly MadeKey[]): void =>
      json === true ? sayJson(keys) : say(printKeyRows(keys).trimEnd());
    return { done, failed: () => undefined };
  }
  const file = openNew(out);
  return {
    done: (keys) => {
      writeFileSync(file, print(keys));
      closeSync(file);
    },
    failed: () => rmSync(out, { force: true }),
  };
}

function openNew(path: string): number {
  try {
    return openSync(path, "wx", PRIVATE_MODE);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    throw new CommandFailed(`${path} is there already: name a new file for the secrets`);
  }
}
