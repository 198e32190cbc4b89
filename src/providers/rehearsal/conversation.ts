/** Where a conversation stands: the last prompt of a person, and what was done about it since. */
import { isObject, textOf } from "./json.ts";
import type { Block, Turn } from "./request.ts";

/** A tool call whose result has come. */
export interface FinishedCall {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly result: string;
  readonly failed: boolean;
}

export interface Conversation {
  /** What the last turn of the user says beside tool results: the client's own orders come so. */
  readonly lastText: string;
  /** "" where no turn looks like a person's. */
  readonly prompt: string;
  /** Since the prompt, in order of the calls. */
  readonly calls: readonly FinishedCall[];
}

/** Text that Claude Code itself puts into a user's turn begins with one of these. */
const CLIENT_TEXT = /^\s*<(system-reminder|task-notification|local-command)/;

/** Reads turns from the last one that a person wrote. */
export function readConversation(turns: readonly Turn[]): Conversation {
  const from = turns.findLastIndex((turn) => promptOf(turn) !== "");
  const since = turns.slice(from + 1).flatMap((turn) => turn.blocks);
  return {
    lastText: textIn(turns.findLast((turn) => turn.role === "user")),
    prompt: promptOf(turns[from]),
    calls: since.flatMap((block) => finishedCall(block, since)),
  };
}

function promptOf(turn: Turn | undefined): string {
  if (turn === undefined || turn.role !== "user") return "";
  // Text beside a tool's result is a comment on it, not a new task.
  return turn.blocks.some((block) => block["type"] === "tool_result") ? "" : textIn(turn);
}

/** The last text only: what comes before it is context (reminders, a summary of earlier turns). */
function textIn(turn: Turn | undefined): string {
  const texts = turn?.blocks.map((block) => block["text"]) ?? [];
  const written = texts.filter((text) => typeof text === "string");
  return written.findLast((text) => text.trim() !== "" && !CLIENT_TEXT.test(text))?.trim() ?? "";
}

function finishedCall(block: Block, since: readonly Block[]): readonly FinishedCall[] {
  const { type, id, name, input } = block;
  if (type !== "tool_use" || typeof name !== "string") return [];
  const answer = since.find(
    (other) => other["type"] === "tool_result" && other["tool_use_id"] === id,
  );
  if (answer === undefined) return [];
  const result = textOf(answer["content"]);
  return [
    { name, input: isObject(input) ? input : {}, result, failed: answer["is_error"] === true },
  ];
}
