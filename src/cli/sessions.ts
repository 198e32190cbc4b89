/** `tollgate sessions`: lists, shows, stops, pauses and resumes sessions. */
import { Command } from "commander";
import type { PrintedSession, PrintedSessionDetail } from "../control/sessions.ts";
import { usageFault } from "./exit.ts";
import { minute, shortDollars } from "./numbers.ts";
import { tableLines, type Column } from "./table.ts";
import { complain, say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withControl, withExamples } from "./verb.ts";

const PATH = "/api/v1/sessions";
const ACTIVE_SECONDS = 3600;
const DURATION = /^(\d{1,7})(s|m|h|d)$/;
const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

interface ListOptions extends StandardOptions {
  readonly key?: string;
  readonly team?: string;
  readonly state?: string;
  readonly active?: string;
  readonly all?: boolean;
}

type Agent = PrintedSessionDetail["agents"][number];

const COLUMNS: readonly Column<PrintedSession>[] = [
  { title: "KEY", cut: true, value: (each) => each.virtual_key },
  { title: "SESSION", cut: true, value: (each) => each.session },
  { title: "STATE", value: ({ state }) => state },
  { title: "LAST SEEN", value: (each) => minute(each.last_seen) },
  { title: "REQUESTS", align: "right", value: ({ requests }) => String(requests) },
  { title: "AGENTS", align: "right", value: ({ agents }) => String(agents) },
  { title: "USD", align: "right", value: (each) => shortDollars(each.spent_usd) },
  { title: "USD/H", align: "right", value: (each) => shortDollars(each.usd_per_hour) },
];

const AGENT_COLUMNS: readonly Column<Agent>[] = [
  { title: "AGENT", cut: true, value: ({ agent }) => agent },
  { title: "PARENT", cut: true, value: (each) => each.parent_agent ?? "—" },
  { title: "DEPTH", align: "right", value: ({ depth }) => String(depth) },
  { title: "REQUESTS", align: "right", value: ({ requests }) => String(requests) },
  { title: "USD", align: "right", value: (each) => shortDollars(each.spent_usd) },
];

export function sessionsVerb(session: Session): Command {
  const command = new Command("sessions").description("list, stop, pause and resume sessions");
  command.addCommand(listVerb(session)).addCommand(showVerb(session));
  const orders = [
    ["stop", "refuse a session's further requests", "is stopped: its next request is refused"],
    ["pause", "refuse its requests until it is resumed", "is paused: its next request is refused"],
    ["resume", "let it go on", "may go on"],
  ] as const;
  for (const [action, summary, done] of orders)
    command.addCommand(orderVerb(action, { summary, done }, session));
  return command;
}

function listVerb(session: Session): Command {
  const command = newVerb("list", "list sessions of the last hour, the latest first")
    .option("--key <id>", "of this virtual key alone")
    .option("--team <id>", "of this team alone")
    .option("--state <state>", "running, paused or stopped; of any age")
    .option("--active <duration>", "active so lately: 90s, 30m, 24h")
    .option("--all", "of any age")
    .action((options: ListOptions) =>
      withControl(options, session, async (control) => {
        const filters = filtersOf(options).toString();
        const sessions = (await control.all(`${PATH}?${filters}`)) as readonly PrintedSession[];
        if (options.json === true) return sayJson(sessions);
        if (sessions.length === 0) return complain("There is no such session.");
        for (const line of tableLines(sessions, COLUMNS)) say(line);
      }),
    );
  return withExamples(command, ["sessions list --team platform", "sessions list --state stopped"]);
}

function filtersOf({ key, team, state, active, all }: ListOptions): URLSearchParams {
  const filters = new URLSearchParams();
  if (key !== undefined) filters.set("virtual_key", key);
  if (team !== undefined) filters.set("team", team);
  if (state !== undefined) filters.set("state", state);
  const isAnyAge = all === true || (state !== undefined && active === undefined);
  if (!isAnyAge) filters.set("active_within_seconds", String(secondsOf(active)));
  return filters;
}

function showVerb(session: Session): Command {
  return newVerb("show <key> <id>", "show one session with its agents").action(
    (key: string, id: string, options: StandardOptions) =>
      withControl(options, session, async (control) => {
        const shown = (await control.call("GET", pathOf(key, id))) as PrintedSessionDetail;
        if (options.json === true) return sayJson(shown);
        for (const line of linesOf(shown)) say(line);
      }),
  );
}

function linesOf(shown: PrintedSessionDetail): string[] {
  const { state, reason, actor, since, agents } = shown;
  const why = reason === null ? "" : `: ${reason}`;
  const halt = since === null ? "" : `, ${minute(since)} by ${actor ?? "—"}${why}`;
  const lines = [
    `Session ${shown.session} of key ${shown.virtual_key} is ${state}${halt}.`,
    `${shown.requests} requests, ${shown.tokens} tokens, ${shortDollars(shown.spent_usd)}; ${shown.in_flight} in flight; ${shortDollars(shown.usd_per_hour)} an hour.`,
    `First seen ${minute(shown.first_seen)}, last ${minute(shown.last_seen)}.`,
  ];
  return agents.length === 0 ? lines : [...lines, "", ...tableLines(agents, AGENT_COLUMNS)];
}

function orderVerb(
  action: "stop" | "pause" | "resume",
  of: { readonly summary: string; readonly done: string },
  session: Session,
): Command {
  const command = newVerb(`${action} <key> <id>`, of.summary)
    .option("--reason <text>", "one sentence, which the developer sees")
    .action((key: string, id: string, options: StandardOptions & { reason?: string }) =>
      withControl(options, session, async (control) => {
        const { reason } = options;
        const changed = await control.call("POST", `${pathOf(key, id)}/${action}`, { reason });
        if (options.json === true) return sayJson(changed);
        say(`Session ${id} of key ${key} ${of.done}.`);
        if (action !== "resume") complain("An answer that runs now ends as it would.");
      }),
    );
  return withExamples(command, [`sessions ${action} ada 3f0c5c1e-8a55-4b21-9d5c-7e1f0a2b3c4d`]);
}

function pathOf(key: string, id: string): string {
  return `${PATH}/${encodeURIComponent(key)}/${encodeURIComponent(id)}`;
}

function secondsOf(text: string | undefined): number {
  if (text === undefined) return ACTIVE_SECONDS;
  const [, amount, unit] = DURATION.exec(text) ?? [];
  if (amount === undefined)
    throw usageFault(`--active ${text}: write a whole number and s, m, h or d, such as 30m`);
  return Number(amount) * SECONDS[unit as keyof typeof SECONDS];
}
