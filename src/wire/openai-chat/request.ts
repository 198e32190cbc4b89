/** A canonical request as a body of OpenAI's chat completions. */
import { createHash } from "node:crypto";
import type { CanonicalRequest } from "../canonical/request.ts";
import type { EgressBody, EgressContext, Quirk, Unsupported } from "../egress.ts";
import { reasoningFields } from "./effort.ts";
import { formatOf } from "./format.ts";
import { Losing } from "./losses.ts";
import { messagesOf } from "./messages.ts";
import { toolFields } from "./tools.ts";

type Json = Readonly<Record<string, unknown>>;

const STOPS_MAX = 4;

/**
 * The body for one upstream, shaped by its quirks.
 *
 * Source: openai-node of 2026-08-21 (`ChatCompletionCreateParams`) and the references of DeepSeek, Groq,
 * Mistral, Moonshot, OpenRouter and xAI; read 2026-11-23.
 */
export function chatRequest(
  request: CanonicalRequest,
  context: EgressContext,
): EgressBody | Unsupported {
  const { quirks } = context;
  const losing = new Losing(context);
  for (const name of request.others) losing.loseOther(name);
  for (const name of request.nested ?? []) losing.loseNested(name);
  const format = formatOf(request, quirks, losing);
  const json = {
    model: context.model,
    messages: messagesOf(request, { quirks, losing }, format.instruction),
    ...toolFields(request, quirks, losing),
    [quirks.has("max-tokens-legacy") ? "max_tokens" : "max_completion_tokens"]: context.maxTokens,
    ...reasoningFields(request, quirks, losing),
    ...(format.field === null ? {} : { response_format: format.field }),
    ...samplingFields(request, quirks, losing),
    ...userField(request, quirks, losing),
    stream: request.stream,
    ...(request.stream && !quirks.has("no-stream-options")
      ? { stream_options: { include_usage: true } }
      : {}),
  };
  return losing.unsupported ?? { json, dropped: losing.dropped };
}

function samplingFields(
  request: CanonicalRequest,
  quirks: ReadonlySet<Quirk>,
  losing: Losing,
): Json {
  const { temperature, topP, topK, stopSequences } = request;
  const fields: Record<string, unknown> = {};
  const isFixed = quirks.has("no-temperature");
  // One is what a server does unasked: leaving it out loses nothing.
  if (temperature !== null && !isFixed) fields["temperature"] = temperature;
  else if (temperature !== null && temperature !== 1) losing.lose("temperature");
  if (topP !== null && !isFixed) fields["top_p"] = topP;
  else if (topP !== null && topP !== 1) losing.lose("top_p");
  if (topK !== null && quirks.has("no-top-k")) losing.lose("top_k");
  else if (topK !== null) fields["top_k"] = topK;
  const most = stopsMax(quirks);
  if (stopSequences.length > most) losing.lose("stop_sequences");
  const stops = stopSequences.slice(0, most);
  if (stops.length > 0) fields["stop"] = stops;
  return fields;
}

function stopsMax(quirks: ReadonlySet<Quirk>): number {
  if (quirks.has("no-stop")) return 0;
  return quirks.has("four-stops") ? STOPS_MAX : Infinity;
}

/** OpenAI asks for a hash of at most 64 characters; elsewhere the field is called `user`. */
function userField({ userId }: CanonicalRequest, quirks: ReadonlySet<Quirk>, losing: Losing): Json {
  if (userId === null) return {};
  if (quirks.has("no-user")) {
    losing.lose("metadata.user_id");
    return {};
  }
  const hash = createHash("sha256").update(userId).digest("hex");
  return { [quirks.has("system-role") ? "user" : "safety_identifier"]: hash };
}
