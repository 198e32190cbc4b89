/** LM Studio: Anthropic's format, chat completions and Responses beside it. */
import type { ProviderRow } from "../row.ts";
import { OWN_MACHINE } from "./bases.ts";
import { chatDoor, messagesDoor, responsesDoor } from "./doors.ts";

export const lmStudio = {
  ...OWN_MACHINE,
  kind: "lm-studio",
  title: "LM Studio",
  baseUrl: "http://localhost:1234",
  doors: [messagesDoor(""), chatDoor("/v1/chat/completions"), responsesDoor("/v1/responses")],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "reasoning-content",
    "no-image-urls",
  ],
  source: "https://lmstudio.ai/docs/developer: Anthropic and OpenAI compatibility",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
