/** Reads what a request says of itself: session, agents, and which kind of task it is. */
import type { IncomingHttpHeaders } from "node:http";
import { evidenceOf, hintedTask, taskOf, type Task } from "../routing/task-type/heuristics.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import type { Endpoint, Subject } from "./exchange.ts";

/** Longer header values are somebody's mistake; they are cut before they reach rows and records. */
const HEADER_CHARACTERS_MAX = 256;

/** The subject of a Messages body and its headers. The client's words: attribution, never authority. */
export function subjectOf(
  headers: IncomingHttpHeaders,
  of: { readonly body: MessagesBody; readonly chunks: readonly Buffer[] },
  endpoint: Endpoint | null,
): Subject {
  const { body, chunks } = of;
  const task = taskFrom(headers, body, chunks);
  return {
    session:
      header(headers, "x-claude-code-session-id") ??
      body.sessionId?.slice(0, HEADER_CHARACTERS_MAX) ??
      null,
    agent: header(headers, "x-claude-code-agent-id"),
    parentAgent: header(headers, "x-claude-code-parent-agent-id"),
    taskType: endpoint === "count_tokens" ? "count" : task.type,
    taskSource: task.source,
    requestedModel: body.model,
    maxTokens: body.maxTokens,
  };
}

/** True where the headers name the session: what the body says of it does not count then. */
export function namesSession(headers: IncomingHttpHeaders): boolean {
  return header(headers, "x-claude-code-session-id") !== null;
}

/** True where the request is a compaction, which needs room for a whole summary. */
export function isCompaction(headers: IncomingHttpHeaders): boolean {
  return (
    header(headers, "x-claude-code-request-class") === "compaction" ||
    header(headers, "x-claude-code-compaction") !== null
  );
}

/** Texts are cut out of the body only where no hint says what the task is. */
function taskFrom(
  headers: IncomingHttpHeaders,
  body: MessagesBody,
  chunks: readonly Buffer[],
): Task {
  const hint = header(headers, "x-claude-code-request-class");
  const hintsCompaction = header(headers, "x-claude-code-compaction") !== null;
  return hintedTask(hint, hintsCompaction) ?? taskOf(evidenceOf(headers, body, chunks));
}

function header(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  const text = Array.isArray(value) ? value[0] : value;
  return text === undefined || text === "" ? null : text.slice(0, HEADER_CHARACTERS_MAX);
}
