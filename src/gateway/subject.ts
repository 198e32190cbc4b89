/** Reads what a request says of itself: session, agents, and which kind of task it is. */
import type { IncomingHttpHeaders } from "node:http";
import { TASK_TYPES, type TaskType } from "../journal/record.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import type { Endpoint, Subject } from "./exchange.ts";

/** Longer header values are somebody's mistake; they are cut before they reach rows and records. */
const HEADER_CHARACTERS_MAX = 256;

/** The subject of a Messages body and its headers. The client's words: attribution, never authority. */
export function subjectOf(
  headers: IncomingHttpHeaders,
  body: MessagesBody,
  endpoint: Endpoint | null,
): Subject {
  return {
    session:
      header(headers, "x-claude-code-session-id") ??
      body.sessionId?.slice(0, HEADER_CHARACTERS_MAX) ??
      null,
    agent: header(headers, "x-claude-code-agent-id"),
    parentAgent: header(headers, "x-claude-code-parent-agent-id"),
    taskType: endpoint === "count_tokens" ? "count" : taskTypeOf(headers, body),
    taskSource: header(headers, "x-claude-code-request-class") === null ? "heuristic" : "hint",
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

function taskTypeOf(headers: IncomingHttpHeaders, body: MessagesBody): TaskType {
  if (isCompaction(headers)) return "compaction";
  const hint = header(headers, "x-claude-code-request-class");
  const known = TASK_TYPES.find((type) => type === hint);
  if (known !== undefined && known !== "auxiliary") return known;
  if (header(headers, "x-claude-code-agent-id") !== null) return "subagent";
  if (header(headers, "x-claude-code-session-id") === null && body.sessionId === null)
    return "other";
  if (body.fields.tools !== undefined && known === undefined) return "main";
  // Title generation asks for a JSON schema and offers no tools; other side calls do not.
  return body.fields.output_config !== undefined && body.fields.tools === undefined
    ? "title"
    : "auxiliary";
}

function header(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  const text = Array.isArray(value) ? value[0] : value;
  return text === undefined || text === "" ? null : text.slice(0, HEADER_CHARACTERS_MAX);
}
