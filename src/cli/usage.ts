/** `tollgate usage`: what was used and what it cost. */
import type { Command } from "commander";
import type { Usage } from "../core/usage.ts";
import {
  counted,
  counting,
  dollars,
  minute,
  shortCount,
  shortDollars,
  sumDollars,
} from "./numbers.ts";
import { tableLines, type Column } from "./table.ts";
import { complain, say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withControl, withExamples } from "./verb.ts";

interface UsageOptions extends StandardOptions {
  readonly by: string;
  readonly from?: string;
  readonly to?: string;
  readonly interval?: string;
  readonly timeZone?: string;
}

type Group = Readonly<Record<string, unknown>> & {
  readonly requests: number;
  readonly usage: Usage;
  readonly cost_usd: string;
};

export function usageVerb(session: Session): Command {
  const command = newVerb("usage", "show requests, tokens and cost by team, key, model, …")
    .option("--by <names>", "what to group by, comma-separated; label:NAME too", "team,virtual_key")
    .option("--from <time>", "RFC 3339; from this moment on")
    .option("--to <time>", "RFC 3339; before this moment")
    .option("--interval <hour|day>", "one line for each hour or day")
    .option("--time-zone <name>", "IANA name that cuts hours and days")
    .action((options: UsageOptions) =>
      withControl(options, session, async (control) => {
        const groups = (await control.all(pathOf(options))) as readonly Group[];
        if (options.json === true) return sayJson(groups);
        print(groups, options);
      }),
    );
  return withExamples(command, [
    "usage",
    "usage --by model --from 2026-11-01T00:00:00Z",
    "usage --by team,label:cost_center --interval day --time-zone Europe/Berlin",
  ]);
}

function pathOf(options: UsageOptions): string {
  const query = new URLSearchParams({ group_by: options.by });
  const { from, to, interval, timeZone } = options;
  for (const [name, value] of Object.entries({ from, to, interval, time_zone: timeZone })) {
    if (value !== undefined) query.set(name, value);
  }
  return `/api/v1/usage?${query.toString()}`;
}

function print(groups: readonly Group[], { by, interval }: UsageOptions): void {
  if (groups.length === 0) return complain("Nothing was used in this range.");
  for (const line of tableLines(groups, columnsOf(by.split(","), interval))) say(line);
  const requests = groups.reduce((sum, group) => sum + group.requests, 0);
  const cost = sumDollars(groups.map((group) => group.cost_usd));
  complain(
    `IN, CACHED and OUT are tokens. ${counting(requests, "request")}, ${dollars(cost)} in all.`,
  );
}

function columnsOf(names: readonly string[], interval: string | undefined): Column<Group>[] {
  const tokens = (title: string, count: (usage: Usage) => number): Column<Group> => ({
    title,
    align: "right",
    value: ({ usage }) => shortCount(count(usage)),
  });
  return [
    ...(interval === undefined
      ? []
      : [{ title: "START", value: (group: Group) => minute(String(group["start"])) }]),
    ...names.map((name) => ({
      title: name.toUpperCase(),
      cut: true as const,
      value: (group: Group) => textOf(group[name]),
    })),
    { title: "REQS", align: "right", value: ({ requests }) => counted(requests) },
    tokens("IN", (usage) => usage.input_tokens),
    tokens(
      "CACHED",
      (usage) =>
        usage.cache_read_input_tokens +
        usage.cache_write_5m_input_tokens +
        usage.cache_write_1h_input_tokens,
    ),
    tokens("OUT", (usage) => usage.output_tokens),
    { title: "COST", align: "right", value: ({ cost_usd }) => shortDollars(cost_usd) },
  ];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "—";
}
