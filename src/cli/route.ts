/** `tollgate route explain`: which rule would take a request, where it would go, and why. */
import { Command } from "commander";
import type { PrintedExplanation } from "../control/route-explain.ts";
import { usageFault } from "./exit.ts";
import { tableLines } from "./table.ts";
import { say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withControl, withExamples } from "./verb.ts";

interface ExplainOptions extends StandardOptions {
  readonly key: string;
  readonly model: string;
  readonly task?: string;
  readonly inputBytes?: string;
  readonly tools?: string;
  readonly maxTokens?: string;
  readonly agentDepth?: string;
  readonly thinking: boolean;
  readonly stream: boolean;
  readonly label: Readonly<Record<string, string>>;
  readonly at?: string;
}

export function routeVerb(session: Session): Command {
  const command = newVerb("explain", "show which rule takes a request, and why")
    .requiredOption("--key <id>", "the virtual key that asks")
    .requiredOption("--model <name>", "the model asked for")
    .option("--task <type>", "main, subagent, title, summary, compaction, workflow, …")
    .option("--input-bytes <n>", "bytes of the request's body")
    .option("--tools <n>", "tools that it offers")
    .option("--max-tokens <n>", "its max_tokens")
    .option("--agent-depth <n>", "0 for the main loop")
    .option("--no-thinking", "it asks for no thinking")
    .option("--no-stream", "it asks for a whole answer")
    .option("--label <name=value>", "over the key's own; may be repeated", withLabel, {})
    .option("--at <time>", "RFC 3339; now where it is left out")
    .action((options: ExplainOptions) =>
      withControl(options, session, async (control) => {
        const answer = await control.call("POST", "/api/v1/route/explain", questionOf(options));
        if (options.json === true) return sayJson(answer);
        print(answer as PrintedExplanation);
      }),
    );
  withExamples(command, [
    "route explain --key ada --model claude-opus-5-5",
    "route explain --key ada --model claude-opus-5-5 --task title --input-bytes 4000",
    "route explain --key ada --model claude-opus-5-5 --label stage=prod --json",
  ]);
  return new Command("route")
    .description("the rules that choose providers and models")
    .addCommand(command);
}

function withLabel(
  text: string,
  before: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const at = text.indexOf("=");
  if (at < 1) throw usageFault(`--label ${text}: write NAME=VALUE`);
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

function questionOf(options: ExplainOptions) {
  const { key, model, task, thinking, stream, label, at } = options;
  return {
    virtual_key: key,
    model,
    task,
    input_bytes: countOf("--input-bytes", options.inputBytes),
    tools: countOf("--tools", options.tools),
    max_tokens: countOf("--max-tokens", options.maxTokens),
    agent_depth: countOf("--agent-depth", options.agentDepth),
    thinking,
    stream,
    labels: label,
    at,
  };
}

function countOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw usageFault(`${option} ${text}: write a whole number`);
  return Number(text);
}

function print({
  rule,
  why,
  groups,
  on_unsupported: unsupported,
  rules,
}: PrintedExplanation): void {
  say(rule === null ? why : `Rule ${rule} takes it: ${why}.`);
  say("");
  const targets = groups.flatMap((group, index) =>
    group.map((target) => ({ ...target, place: index + 1 })),
  );
  const lines = tableLines(targets, [
    { title: "ORDER", align: "right", value: ({ place }) => String(place) },
    { title: "PROVIDER", cut: true, value: ({ provider }) => provider },
    { title: "MODEL", cut: true, value: ({ model }) => model ?? "the one asked for" },
    { title: "WEIGHT", align: "right", value: ({ weight }) => String(weight) },
  ]);
  for (const line of lines) say(line);
  if (targets.length === 0) say("No provider of the key may serve this model.");
  say(`What a target cannot carry: ${unsupported}.`);
  if (rules.length === 0) return;
  say("");
  const outcomes = tableLines(rules, [
    { title: "RULE", value: (each) => each.rule },
    { title: "OUTCOME", value: ({ outcome }) => outcome.replace("_", " ") },
    { title: "WHY", cut: true, value: (each) => each.why },
  ]);
  for (const line of outcomes) say(line);
}
