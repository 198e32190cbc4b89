/** `tollgate why`: whether a key may use a model, which rule of which scope says so, and what limits it. */
import type { Command } from "commander";
import type { PrintedWhy } from "../control/why.ts";
import { tableLines } from "./table.ts";
import { say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withControl, withExamples } from "./verb.ts";

interface WhyOptions extends StandardOptions {
  readonly taskType?: string;
  readonly provider?: string;
  readonly address?: string;
  readonly at?: string;
  readonly beta: readonly string[];
  readonly tool: readonly string[];
  readonly header: readonly string[];
}

export function whyVerb(session: Session): Command {
  const command = newVerb("why <key> <model>", "tell whether a key may use a model, and why")
    .option("--task-type <type>", "main, subagent, title, summary, compaction, workflow, …")
    .option("--provider <id>", "at this provider; without it any of the key")
    .option("--address <ip>", "where the client is")
    .option("--at <time>", "RFC 3339; now where it is left out")
    .option("--beta <name>", "a value of anthropic-beta; may be repeated", also, [])
    .option("--tool <type>", "a server tool such as web_search; may be repeated", also, [])
    .option("--header <name>", "a request header; may be repeated", also, [])
    .action((key: string, model: string, options: WhyOptions) =>
      withControl(options, session, async (control) => {
        const answer = await control.call("GET", `/api/v1/why?${queryOf(key, model, options)}`);
        if (options.json === true) return sayJson(answer);
        print(answer as PrintedWhy);
      }),
    );
  return withExamples(command, [
    "why ada claude-opus-5-5",
    "why ada claude-opus-5-5 --tool web_search --address 10.1.2.3",
    "why ada claude-opus-5-5 --at 2026-11-28T22:00:00Z --json",
  ]);
}

function also(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

function queryOf(key: string, model: string, options: WhyOptions): string {
  const { taskType, provider, address, at, beta, tool, header } = options;
  const asked = {
    virtual_key: key,
    model,
    task_type: taskType,
    provider,
    address,
    at,
    beta: listed(beta),
    tool: listed(tool),
    header: listed(header),
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked))
    if (value !== undefined) query.set(name, value);
  return query.toString();
}

function listed(values: readonly string[]): string | undefined {
  return values.length === 0 ? undefined : values.join(",");
}

function print(why: PrintedWhy): void {
  say(verdictOf(why));
  if (why.on_paper !== null) say(`On paper alone: ${why.on_paper.message}`);
  if (why.rule !== null) say(`Routing rule ${why.rule} takes it: ${why.route}.`);
  const verdicts = why.levels.flatMap(({ observed, verdicts: all }) =>
    all.map((verdict) => ({ ...verdict, observed })),
  );
  table(verdicts, [
    { title: "SAYS", value: ({ allowed, observed }) => wordOf(allowed, observed) },
    { title: "TO", cut: true, value: ({ value }) => value },
    { title: "BY", value: ({ rule }) => rule },
  ]);
  const silent = why.levels.filter((level) => level.verdicts.length === 0);
  if (verdicts.length > 0 && silent.length > 0) say("");
  if (silent.length > 0) say(`No rule about it: ${silent.map(({ scope }) => scope).join(", ")}.`);
  table(why.providers, [
    { title: "PROVIDER", cut: true, value: ({ id }) => id },
    { title: "USABLE", value: ({ usable }) => (usable ? "yes" : "no") },
    { title: "WHY", cut: true, value: ({ why: reason }) => reason ?? "" },
  ]);
  table(why.limits, [
    { title: "LIMIT OF", cut: true, value: ({ scope }) => `${scope.type}/${scope.id}` },
    { title: "UNIT", value: ({ unit }) => unit },
    { title: "PER", value: ({ per }) => per },
    { title: "LIMIT", align: "right", value: ({ limit }) => limit },
    { title: "USED", align: "right", value: ({ used }) => used ?? "per session" },
    { title: "RESETS", value: ({ resets }) => resets ?? "" },
  ]);
}

function wordOf(allowed: boolean, observed: boolean): string {
  const word = allowed ? "yes" : "no";
  return observed ? `${word} (observes)` : word;
}

function verdictOf({ allowed, key_state: state, refusal }: PrintedWhy): string {
  if (refusal !== null) return `Not allowed (${refusal.code}): ${refusal.message}`;
  return allowed ? "Allowed." : `Not allowed: the key is ${state.replace("_", " ")}.`;
}

function table<Row>(rows: readonly Row[], columns: Parameters<typeof tableLines<Row>>[1]): void {
  if (rows.length === 0) return;
  say("");
  for (const line of tableLines(rows, columns)) say(line);
}
