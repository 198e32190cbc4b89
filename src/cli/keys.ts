/** `tollgate keys`: makes, lists, rotates and revokes virtual keys. */
import { Command } from "commander";
import type { z } from "zod";
import type { virtualKeyFields } from "../control/entity-fields.ts";
import { randomBase62 } from "../core/ids.ts";
import { usageFault } from "./exit.ts";
import { importVerb, KEYS_PATH as PATH } from "./keys-import.ts";
import { keyFields, type KeyWords } from "./key-fields.ts";
import { minute } from "./numbers.ts";
import { tableLines, type Column } from "./table.ts";
import { complain, say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withControl, withExamples } from "./verb.ts";

const ID_CHARACTERS = 10;
const DURATION = /^(\d+)(s|m|h|d)?$/;
const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

type Key = z.infer<typeof virtualKeyFields>;
type KeyWithSecret = Key & { readonly secret: string };

const COLUMNS: readonly Column<Key>[] = [
  { title: "ID", cut: true, value: ({ id }) => id },
  { title: "TEAM", cut: true, value: ({ team }) => team },
  { title: "OWNER", cut: true, value: ({ owner }) => owner ?? "—" },
  { title: "STATE", value: ({ state }) => state.replaceAll("_", " ") },
  { title: "BUDGETS, USD", cut: true, value: budgetsText },
  { title: "EXPIRES", value: ({ expires }) => minute(expires) },
  { title: "FROM", value: ({ source }) => source },
];

export function keysVerb(session: Session): Command {
  const command = new Command("keys").description("make, list, rotate and revoke virtual keys");
  for (const verb of [createVerb, importVerb, listVerb, rotateVerb, revokeVerb]) {
    command.addCommand(verb(session));
  }
  return command;
}

function createVerb(session: Session): Command {
  const command = newVerb("create [id]", "make a virtual key; its secret is printed once")
    .requiredOption("--team <id>", "the team that it belongs to")
    .option("--owner <id>", "the person whose key it is")
    .option("--name <text>", "a name for people")
    .option("--expires <time>", "RFC 3339, such as 2027-06-30T00:00:00Z")
    .option("--label <name=value>", "for attribution; may be repeated", repeated)
    .option("--budget <usd/period>", "a cap such as 30/day; may be repeated", repeated)
    .option("--limit <amount unit/period>", 'such as "600 requests/minute"', repeated)
    .option("--provider <id[=globs]>", "in order of preference; without it all", repeated)
    .action((id: string | undefined, options: StandardOptions & KeyWords) =>
      withControl(options, session, async (control) => {
        const fields = keyFields(id ?? `key-${randomBase62(ID_CHARACTERS)}`, options);
        const made = (await control.call("POST", PATH, fields)) as KeyWithSecret;
        tellSecret(made, options, `Virtual key ${made.id} is made.`);
      }),
    );
  return withExamples(command, [
    "keys create ada --team platform --owner ada@acme.example --budget 30/day --budget 250/month",
    'keys create ci --team platform --label env=ci --limit "5 concurrent" --provider anthropic',
  ]);
}

function listVerb(session: Session): Command {
  return newVerb("list", "list all virtual keys, without their secrets")
    .option("--team <id>", "of this team alone")
    .option("--owner <id>", "of this owner alone")
    .action((options: StandardOptions & { team?: string; owner?: string }) =>
      withControl(options, session, async (control) => {
        const filters = new URLSearchParams();
        if (options.team !== undefined) filters.set("team", options.team);
        if (options.owner !== undefined) filters.set("owner", options.owner);
        const keys = (await control.all(`${PATH}?${filters.toString()}`)) as readonly Key[];
        if (options.json === true) return sayJson(keys);
        if (keys.length === 0) return complain("There is no virtual key.");
        for (const line of tableLines(keys, COLUMNS)) say(line);
      }),
    );
}

function rotateVerb(session: Session): Command {
  const command = newVerb("rotate <id>", "give a virtual key a new secret, which is printed once")
    .option("--overlap <duration>", "how long the old secret still counts: 90s, 30m, 24h", "0")
    .action((id: string, options: StandardOptions & { overlap: string }) =>
      withControl(options, session, async (control) => {
        const body = { overlap_seconds: secondsOf(options.overlap) };
        const path = `${PATH}/${encodeURIComponent(id)}/rotate`;
        const rotated = (await control.call("POST", path, body)) as KeyWithSecret;
        tellSecret(rotated, options, `Virtual key ${id} has a new secret.`);
      }),
    );
  return withExamples(command, ["keys rotate ada", "keys rotate ada --overlap 24h"]);
}

function revokeVerb(session: Session): Command {
  return newVerb("revoke <id>", "end a virtual key at once; rotate brings it back").action(
    (id: string, options: StandardOptions) =>
      withControl(options, session, async (control) => {
        const path = `${PATH}/${encodeURIComponent(id)}/revoke`;
        const revoked = await control.call("POST", path, {});
        if (options.json === true) return sayJson(revoked);
        say(`Virtual key ${id} is revoked: its next request is refused.`);
      }),
  );
}

/** The secret alone on standard output, so that a script can take it; the rest beside it. */
function tellSecret(key: KeyWithSecret, options: StandardOptions, what: string): void {
  if (options.json === true) return sayJson(key);
  complain(`${what} This is its secret; it is not shown again:`);
  say(key.secret);
}

function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function secondsOf(text: string): number {
  const [, amount, unit = "s"] = DURATION.exec(text) ?? [];
  if (amount === undefined) {
    throw usageFault(`--overlap ${text}: write a whole number and s, m, h or d, such as 24h`);
  }
  return Number(amount) * SECONDS[unit as keyof typeof SECONDS];
}

function budgetsText({ budgets }: Key): string {
  if (budgets.length === 0) return "—";
  return budgets.map(({ usd, per, rolling }) => `${usd}/${per ?? rolling ?? ""}`).join(" ");
}
