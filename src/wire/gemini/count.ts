/** Asks Gemini for a request's token count, and reads the answer. */
import { isObject, parseJson } from "../anthropic/value.ts";

const COUNTED = new Set(["contents", "systemInstruction", "tools", "generationConfig"]);

/**
 * The body of `countTokens` for a body of `generateContent`. The Gemini API takes it whole with the model's
 * name in it; Vertex (`model` null) takes the fields that count beside each other.
 * Source: ai.google.dev/api/tokens and cloud.google.com/vertex-ai reference CountTokensRequest, 2026-11-23.
 */
export function countRequest(
  json: Readonly<Record<string, unknown>>,
  model: string | null,
): Readonly<Record<string, unknown>> {
  if (model !== null) {
    const name = model.startsWith("models/") ? model : `models/${model}`;
    return { generateContentRequest: { model: name, ...json } };
  }
  return Object.fromEntries(Object.entries(json).filter(([field]) => COUNTED.has(field)));
}

/** Input tokens by an answer of `countTokens`; null where it tells none. */
export function readCount(body: Buffer): number | null {
  const answer = parseJson(body.toString("utf8"));
  const total = isObject(answer) ? answer["totalTokens"] : null;
  return typeof total === "number" && Number.isSafeInteger(total) && total >= 0 ? total : null;
}
