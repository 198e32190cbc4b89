/** xAI: Responses first, chat completions beside it. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { chatDoor, responsesDoor } from "./doors.ts";

export const xai = {
  ...CHAT_HOST,
  kind: "xai",
  title: "xAI",
  baseUrl: "https://api.x.ai",
  doors: [responsesDoor("/v1/responses"), chatDoor("/v1/chat/completions")],
  models: [
    { id: "grok-4.6", aliases: [] },
    { id: "grok-4.5", aliases: [] },
    { id: "grok-4.3", aliases: [] },
    { id: "grok-4.20", aliases: [] },
    { id: "grok-build-0.1", aliases: [] },
  ],
  families: ["grok"],
  quirks: [
    "system-role",
    "reasoning-content",
    "reasoning-beside-completion",
    "four-stops",
    "no-top-k",
    "tool-results-text",
    "no-documents",
  ],
  priceSource: "https://docs.x.ai/docs/models",
  source:
    "https://docs.x.ai/docs: REST reference of responses and chat completions; max_output_tokens bounds reasoning too, max_completion_tokens is taken to",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
