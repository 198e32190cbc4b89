/** Tells the kind of task of a request: by the client's hint where it sends one, else by the request's shape. */
import type { TaskType } from "../../journal/record.ts";
import type { TaskSource } from "./task.ts";

/** What is known of a request; the client's own words, never to be trusted with authority. */
export interface TaskEvidence {
  /** `x-claude-code-request-class`. */
  readonly hint: string | null;
  /** `x-claude-code-compaction` is there. */
  readonly hintsCompaction: boolean;
  /** An agent's id is in the headers. */
  readonly hasAgent: boolean;
  /** A session is named, by header or body. */
  readonly hasSession: boolean;
  readonly toolCount: number;
  /** Of these, how many the provider runs itself. */
  readonly serverToolCount: number;
  /** The value of `output_config` as it stands in the body; "" without one. */
  readonly outputConfig: string;
  /** The beginning of `system` as it stands in the body, `SYSTEM_BYTES` of it. */
  readonly systemStart: string;
  /** The end of `messages` as it stands in the body, `MESSAGES_BYTES` of it. */
  readonly messagesEnd: string;
}

export interface Task {
  readonly type: TaskType;
  readonly source: TaskSource;
}

const SYSTEM_BYTES = 1024;
export const MESSAGES_BYTES = 2048;
const OUTPUT_CONFIG_BYTES = 1024;

/** Classes that the client names, and the task that each is; `auxiliary` is looked at more closely. */
const HINTS: Readonly<Record<string, TaskType>> = {
  main: "main",
  subagent: "subagent",
  workflow: "workflow",
  compaction: "compaction",
  auxiliary: "auxiliary",
  side_reply: "auxiliary",
};

/** The attribution block that opens the system prompt says it even where no header does. */
const OF_SUBAGENT = "cc_is_subagent=true";
/** How Claude Code's instructions for a compaction end; without hints it looks like the main loop. */
const OF_COMPACTION = [
  "<analysis> block followed by a <summary> block",
  "This paragraph is about how to write this summary.",
];
/** Instructions to a fork of the conversation that may use no tool: a side question, a suggestion. */
const OF_FORK = [
  "Simply answer the question with the information you have.",
  "Reply with ONLY the suggestion, no quotes or explanation.",
];
const SUMMARY = /\bsummar(?:y|ies|i[sz]e|i[sz]ing)\b|\brecap\b/i;

/** What the client's headers alone say, as far as it is all that there is to say; else null. */
export function hintedTask(hint: string | null, hintsCompaction: boolean): Task | null {
  if (hintsCompaction) return { type: "compaction", source: "hint" };
  const type = hintedType(hint);
  return type === null || type === "auxiliary" ? null : { type, source: "hint" };
}

function hintedType(hint: string | null): TaskType | null {
  return hint === null || !Object.hasOwn(HINTS, hint) ? null : (HINTS[hint] ?? null);
}

/** The task, and who says so. Never fails. */
export function taskOf(evidence: TaskEvidence): Task {
  const { hint, hintsCompaction } = evidence;
  const hinted = hintedTask(hint, hintsCompaction);
  if (hinted !== null) return hinted;
  if (hintedType(hint) === null) return { type: typeOf(evidence), source: "heuristic" };
  const side = sideCallOf(evidence);
  return side === "auxiliary"
    ? { type: "auxiliary", source: "hint" }
    : { type: side, source: "heuristic" };
}

function typeOf(evidence: TaskEvidence): TaskType {
  const { hasAgent, hasSession, toolCount, serverToolCount, systemStart, messagesEnd } = evidence;
  if (hasAgent || systemStart.includes(OF_SUBAGENT)) return "subagent";
  if (!hasSession) return "other";
  if (toolCount === serverToolCount) return sideCallOf(evidence);
  if (OF_COMPACTION.some((words) => messagesEnd.includes(words))) return "compaction";
  return OF_FORK.some((words) => messagesEnd.includes(words)) ? "auxiliary" : "main";
}

/** Titles ask for JSON with a title or name; summaries are told by the words of their instructions. */
function sideCallOf({
  toolCount,
  outputConfig,
  systemStart,
  messagesEnd,
}: TaskEvidence): "title" | "summary" | "auxiliary" {
  if (toolCount > 0) return "auxiliary";
  if (/"json_schema"/.test(outputConfig))
    return /"(?:title|name)"\s*:\s*\{/.test(outputConfig) ? "title" : "auxiliary";
  return SUMMARY.test(systemStart) || SUMMARY.test(messagesEnd) ? "summary" : "auxiliary";
}

/** Of a scanned Messages body, what evidence is made of. */
export interface ScannedTask {
  readonly sessionId: string | null;
  readonly fields: Partial<
    Readonly<
      Record<
        "output_config" | "system" | "messages",
        { readonly start: number; readonly end: number }
      >
    >
  >;
  readonly facts: { readonly tools: number; readonly serverTools: readonly unknown[] };
}

/**
 * What headers and body tell of the task.
 *
 * @param headers As Node gives them: names in lower case.
 * @param chunks The body that `body` was scanned from.
 */
export function evidenceOf(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  body: ScannedTask,
  chunks: readonly Buffer[],
): TaskEvidence {
  const { output_config: config, system, messages } = body.fields;
  const has = (name: string): boolean => (headers[name] ?? "") !== "";
  const hint = headers["x-claude-code-request-class"];
  return {
    hint: typeof hint === "string" && hint !== "" ? hint : null,
    hintsCompaction: has("x-claude-code-compaction"),
    hasAgent: has("x-claude-code-agent-id"),
    hasSession: has("x-claude-code-session-id") || body.sessionId !== null,
    toolCount: body.facts.tools,
    serverToolCount: body.facts.serverTools.length,
    outputConfig: config === undefined ? "" : startOf(chunks, config, OUTPUT_CONFIG_BYTES),
    systemStart: system === undefined ? "" : startOf(chunks, system, SYSTEM_BYTES),
    messagesEnd: messages === undefined ? "" : endOf(chunks, messages, MESSAGES_BYTES),
  };
}

interface ByteRange {
  readonly start: number;
  readonly end: number;
}

function startOf(chunks: readonly Buffer[], { start, end }: ByteRange, most: number): string {
  return textIn(chunks, start, Math.min(end, start + most));
}

function endOf(chunks: readonly Buffer[], { start, end }: ByteRange, most: number): string {
  return textIn(chunks, Math.max(start, end - most), end);
}

/** The words that are looked for are ASCII: bytes beyond it may come out as anything. */
function textIn(chunks: readonly Buffer[], start: number, end: number): string {
  let text = "";
  let at = 0;
  for (const chunk of chunks) {
    if (at >= end) break;
    if (at + chunk.length > start)
      text += chunk.toString("latin1", Math.max(0, start - at), Math.min(chunk.length, end - at));
    at += chunk.length;
  }
  return text;
}
