/** DeepSeek: its own models in Anthropic's format, chat completions beside it. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { chatDoor, messagesDoor } from "./doors.ts";

export const deepseek = {
  ...CHAT_HOST,
  kind: "deepseek",
  title: "DeepSeek",
  baseUrl: "https://api.deepseek.com",
  doors: [messagesDoor("/anthropic"), chatDoor("/chat/completions")],
  modelList: { path: "/models", format: "openai" },
  models: [
    { id: "deepseek-v4-pro", aliases: [] },
    { id: "deepseek-v4-flash", aliases: [] },
  ],
  families: ["deepseek"],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "reasoning-content",
    "reasoning-returned",
    "thinking-switch",
    "cache-hit-tokens",
    "no-json-schema",
    "no-parallel-tool-calls",
    "no-top-k",
    "no-images",
    "no-user",
  ],
  can: { ...CHAT_HOST.can, vision: false, structuredOutput: false },
  priceSource: "https://api-docs.deepseek.com/quick_start/pricing",
  source:
    "https://api-docs.deepseek.com: Anthropic API, chat completion, thinking mode; an unknown model is served by another of its own, so names of others are not sent",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
