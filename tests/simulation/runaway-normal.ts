/** Sessions in which nothing runs away, played from the scripts of the traffic model. */
import type { ToolCall } from "../../src/wire/anthropic/tail.ts";
import { PARAMETERS } from "./parameters.ts";
import { Loop, type Call, type Tape } from "./runaway-tape.ts";
import type { AgentScript, CallScript, PromptScript, SessionScript } from "./script.ts";

const { compaction, agents } = PARAMETERS;
const TOOLS = ["Bash", "Bash", "Bash", "Edit", "Read", "Grep"];
/** What is run again and again: tests, builds, `git status`. */
const HABITUAL = 3;
const HABITUAL_SHARE = 0.15;
const SAME_RESULT_SHARE = 0.3;
const FAILED_SHARE = 0.08;

interface Habits {
  readonly inputs: readonly number[];
  readonly results: Map<number, number>;
}

/** Plays the script's prompts, `most` at most; gives the main loop as they leave it. */
export function playNormally(tape: Tape, script: SessionScript, most = Infinity): Loop {
  const main = new Loop(tape, {
    startMs: script.startMs,
    tokens: script.resumedTokens ?? script.developer.startTokens,
    model: script.developer.model,
    prompt: "p0",
  });
  const habits = {
    inputs: Array.from({ length: HABITUAL }, () => tape.novel()),
    results: new Map(),
  };
  for (const [index, prompt] of script.prompts.slice(0, most).entries())
    playPrompt(tape, { main, prompt, habits, script, name: `p${index}` });
  return main;
}

interface Playing {
  readonly main: Loop;
  readonly prompt: PromptScript;
  readonly habits: Habits;
  readonly script: SessionScript;
  readonly name: string;
}

function playPrompt(tape: Tape, { main, prompt, habits, script, name }: Playing): void {
  for (const [index, call] of prompt.calls.entries()) {
    const isLast = index === prompt.calls.length - 1;
    const spoken = { text: tape.said(prompt.tokens * 4), prompt: name };
    main.call({
      ...answered(call, isLast),
      gapMs: index === 0 ? prompt.gapMs : call.toolTimeMs,
      newTokens: index === 0 ? prompt.tokens : call.newTokens,
      ...(index === 0 ? spoken : { calls: toolsUsed(tape, habits) }),
      ...(call.fate === "answered" ? {} : { outcome: "upstream_error" }),
    });
    if (call.fate !== "answered")
      main.call({ ...answered(call, isLast), newTokens: 0, again: true });
    if (index === 0)
      for (const agent of prompt.agents) playAgent(tape, agent, { startMs: main.nowMs, name });
    compactWhenFull(tape, main, { prompt, script });
  }
  main.tokens += prompt.agents.length * agents.handOffTokens;
}

function answered(call: CallScript, isLast: boolean): Call {
  return { outputTokens: call.outputTokens, stop: isLast ? "end_turn" : "tool_use" };
}

function toolsUsed(tape: Tape, habits: Habits): ToolCall[] {
  const tool = TOOLS[tape.whole(0, TOOLS.length - 1)] ?? "Bash";
  const failed = tape.draw() < FAILED_SHARE;
  if (tape.draw() >= HABITUAL_SHARE) return [tape.tool(tool, { failed })];
  const input = habits.inputs[tape.whole(0, HABITUAL - 1)] ?? 0;
  const before = habits.results.get(input);
  const result = before !== undefined && tape.draw() < SAME_RESULT_SHARE ? before : tape.novel();
  habits.results.set(input, result);
  return [tape.tool("Bash", { input, result, failed })];
}

function compactWhenFull(
  tape: Tape,
  main: Loop,
  { prompt, script }: Pick<Playing, "prompt" | "script">,
): void {
  const { windowTokens, startTokens } = script.developer;
  const isByHand = prompt.compactsByHand && main.tokens > compaction.byHandAbove;
  if (main.tokens <= windowTokens && !isByHand) return;
  compact(tape, main, startTokens + compaction.afterwards);
}

/** A compaction that leaves so many tokens. */
export function compact(tape: Tape, loop: Loop, afterTokens: number): void {
  const said = { text: tape.said(6_500), stop: "end_turn", newTokens: 0 };
  loop.call({ ...said, task: "compaction", outputTokens: 4_000 });
  loop.restart(afterTokens);
}

function playAgent(
  tape: Tape,
  script: AgentScript,
  of: { readonly startMs: number; readonly name: string; readonly parent?: string },
): void {
  const { startMs, name, parent } = of;
  const loop = new Loop(tape, {
    startMs,
    tokens: script.startTokens,
    model: script.model,
    prompt: name,
    agent: script.name,
    ...(parent === undefined ? {} : { parent }),
  });
  for (const [index, call] of script.calls.entries()) {
    const isFirst = index === 0;
    loop.call({
      ...answered(call, index === script.calls.length - 1),
      gapMs: isFirst ? 10 : call.toolTimeMs,
      newTokens: isFirst ? 1 : call.newTokens,
      ...(isFirst ? { text: tape.said(900) } : { calls: [tape.tool("Grep")] }),
    });
    if (isFirst && script.nested !== null)
      playAgent(tape, script.nested, { startMs: loop.nowMs, name, parent: script.name });
  }
}

/** One prompt with a few tool calls, as it mostly goes. */
export function workOn(
  tape: Tape,
  loop: Loop,
  of: { readonly calls: number; readonly gapMs: number },
): void {
  const name = `w${tape.novel()}`;
  loop.call({ gapMs: of.gapMs, prompt: name, text: tape.said(tape.whole(20, 900)) });
  for (let call = 0; call < of.calls; call++)
    loop.call({ gapMs: tape.between(50, 9_000), calls: [tape.tool("Bash")] });
  loop.call({ gapMs: 500, calls: [tape.tool("Edit")], stop: "end_turn", outputTokens: 600 });
}
