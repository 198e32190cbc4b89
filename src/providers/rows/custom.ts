/** Any server by its URL: all formats are offered, the file's `door` says which it speaks. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import {
  BEARER,
  chatDoor,
  converseDoor,
  geminiDoor,
  invokeDoor,
  messagesDoor,
  responsesDoor,
} from "./doors.ts";

const VERTEX_MODEL = "/publishers/anthropic/models/{model}";

export const custom = {
  ...CHAT_HOST,
  kind: "custom",
  title: "Any server with one of the known formats",
  baseUrl: null,
  doors: [
    messagesDoor(""),
    chatDoor("/v1/chat/completions"),
    responsesDoor("/v1/responses"),
    geminiDoor("/v1beta/models/{model}", null),
    converseDoor(null),
    invokeDoor(["*"]),
    {
      id: "vertex",
      format: "vertex-anthropic",
      paths: {
        message: `${VERTEX_MODEL}:rawPredict`,
        stream: `${VERTEX_MODEL}:streamRawPredict`,
        countTokens: null,
      },
      models: null,
      headers: {},
      sendsPings: false,
    },
    // For base URLs that end with a version of their own ("…/api/paas/v4").
    chatDoor("/chat/completions", "chat-unversioned"),
  ],
  auth: [BEARER, { kind: "none" }],
  families: null,
  quirks: ["system-role", "max-tokens-legacy"],
  can: {
    ...CHAT_HOST.can,
    documents: true,
    imageTokensMax: 48_169,
  },
  billing: { ...CHAT_HOST.billing, outputTokensPerSecondMax: 10_000 },
  priceSource: null,
  source:
    "nothing is known of it but its format: the widest bounds apply, and prices are assumed or the file's",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
