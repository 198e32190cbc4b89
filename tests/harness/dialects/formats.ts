/** The dialects by the formats of the catalogue's doors. */
import { anthropicMessages, bedrockInvoke, vertexAnthropic } from "./anthropic.ts";
import { bedrockConverse } from "./converse.ts";
import type { Dialect, DialectFormat } from "./dialect.ts";
import { gemini } from "./gemini.ts";
import { openaiChat } from "./openai-chat.ts";
import { openaiResponses } from "./openai-responses.ts";

export const DIALECTS: Readonly<Record<DialectFormat, Dialect>> = {
  "anthropic-messages": anthropicMessages,
  "bedrock-invoke": bedrockInvoke,
  "bedrock-converse": bedrockConverse,
  "vertex-anthropic": vertexAnthropic,
  "openai-chat": openaiChat,
  "openai-responses": openaiResponses,
  gemini,
};
