/** Asks the Responses API for a request's token count, and reads the answer. */
import { isObject, parseJson } from "../anthropic/value.ts";

type Json = Readonly<Record<string, unknown>>;

/** What a count takes of a response's body; it refuses the rest. */
const COUNTED = new Set([
  "model",
  "instructions",
  "input",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "reasoning",
  "text",
]);

/**
 * The body for `POST /v1/responses/input_tokens`.
 *
 * Source: OpenAI API reference, "Get input token counts"; read 2026-11-23.
 */
export function countRequest(json: Json): Json {
  return Object.fromEntries(Object.entries(json).filter(([name]) => COUNTED.has(name)));
}

/** The tokens that an answer tells; null where it tells none. */
export function readCount(body: Buffer): number | null {
  const answer = parseJson(body.toString("utf8"));
  const tokens = isObject(answer) ? answer["input_tokens"] : null;
  return typeof tokens === "number" && Number.isSafeInteger(tokens) && tokens >= 0 ? tokens : null;
}
