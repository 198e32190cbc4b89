/** The doors that many providers have in common, as rows are made of them. */
import type { AuthScheme, DoorRow } from "../row.ts";

export const BEARER: AuthScheme = { kind: "header", name: "authorization", prefix: "Bearer " };

/** Anthropic's Messages below `prefix`. */
export function messagesDoor(
  prefix: string,
  more: { readonly counts?: boolean; readonly models?: readonly string[] } = {},
): DoorRow {
  const path = `${prefix}/v1/messages`;
  return {
    id: "messages",
    format: "anthropic-messages",
    paths: {
      message: path,
      stream: path,
      countTokens: more.counts === true ? `${path}/count_tokens` : null,
    },
    models: more.models ?? null,
    headers: {},
    sendsPings: false,
  };
}

/** OpenAI's chat completions at `path`. */
export function chatDoor(path: string, id = "chat"): DoorRow {
  return {
    id,
    format: "openai-chat",
    paths: { message: path, stream: path, countTokens: null },
    models: null,
    headers: {},
    sendsPings: false,
  };
}

/** OpenAI's Responses at `path`; `counts` where the provider counts input for nothing. */
export function responsesDoor(path: string, counts = false): DoorRow {
  return {
    id: "responses",
    format: "openai-responses",
    paths: { message: path, stream: path, countTokens: counts ? `${path}/input_tokens` : null },
    models: null,
    headers: {},
    sendsPings: false,
  };
}

/** Gemini's generateContent; `base` is the path of a model. */
export function geminiDoor(base: string, models: readonly string[] | null): DoorRow {
  return {
    id: "gemini",
    format: "gemini",
    paths: {
      message: `${base}:generateContent`,
      stream: `${base}:streamGenerateContent?alt=sse`,
      countTokens: `${base}:countTokens`,
    },
    models,
    headers: {},
    sendsPings: false,
  };
}

/** Bedrock's InvokeModel, for models that take Anthropic's own body. */
export function invokeDoor(models: readonly string[]): DoorRow {
  return {
    id: "invoke",
    format: "bedrock-invoke",
    paths: {
      message: "/model/{model}/invoke",
      stream: "/model/{model}/invoke-with-response-stream",
      countTokens: null,
    },
    models,
    headers: {},
    sendsPings: false,
  };
}

/** Bedrock's Converse, for any model. */
export function converseDoor(models: readonly string[] | null): DoorRow {
  return {
    id: "converse",
    format: "bedrock-converse",
    paths: {
      message: "/model/{model}/converse",
      stream: "/model/{model}/converse-stream",
      countTokens: null,
    },
    models,
    headers: {},
    sendsPings: false,
  };
}
