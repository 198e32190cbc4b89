/** Writes a canonical request as a body of `generateContent` and `streamGenerateContent`. */
import type { CanonicalRequest } from "../canonical/request.ts";
import type { EgressBody, EgressContext, Unsupported } from "../egress.ts";
import { contentsOf } from "./contents.ts";
import { generationConfigOf } from "./generation.ts";
import { Lossy } from "./losses.ts";
import { toolFields } from "./tools.ts";

/**
 * The body for Gemini, or what keeps it from being carried. Model and streaming are in the URL.
 * Source: ai.google.dev/api/generate-content and googleapis/js-genai 6e9b35c (src/types.ts), 2026-11-23.
 */
export function geminiRequest(
  request: CanonicalRequest,
  context: EgressContext,
): EgressBody | Unsupported {
  const lossy = new Lossy();
  const system = request.system.filter(({ text }) => text !== "");
  if (request.system.some(({ cached }) => cached)) lossy.lose("cache_control");
  if (request.userId !== null) lossy.lose("metadata.user_id");
  for (const name of request.others) lossy.loseTopLevel(name);
  for (const name of request.nested ?? []) lossy.loseNested(name);
  const json = {
    ...(system.length === 0
      ? {}
      : { systemInstruction: { parts: system.map(({ text }) => ({ text })) } }),
    contents: contentsOf(request.turns, context, lossy),
    ...toolFields(request, context, lossy),
    generationConfig: generationConfigOf(request, context, lossy),
  };
  return lossy.conclude(json, context);
}
