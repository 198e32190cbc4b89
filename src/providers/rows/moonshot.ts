/** Moonshot: Kimi in Anthropic's format, chat completions beside it. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { chatDoor, messagesDoor } from "./doors.ts";

export const moonshot = {
  ...CHAT_HOST,
  kind: "moonshot",
  title: "Moonshot AI (Kimi)",
  baseUrl: "https://api.moonshot.ai",
  doors: [messagesDoor("/anthropic"), chatDoor("/v1/chat/completions")],
  models: [
    { id: "kimi-k3", aliases: [] },
    { id: "kimi-k2.7-code", aliases: [] },
    { id: "kimi-k2.7-code-highspeed", aliases: [] },
    { id: "kimi-k2.6", aliases: [] },
    { id: "kimi-k2.5", aliases: [] },
  ],
  families: ["kimi"],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "reasoning-content",
    "reasoning-returned",
    "thinking-switch",
    "no-reasoning-effort",
    "no-parallel-tool-calls",
    "no-top-k",
    "no-image-urls",
  ],
  priceSource: "https://platform.kimi.ai/docs/models",
  source:
    "https://platform.kimi.ai/docs: chat API, agent support; quirks of the chat door not checked apart",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
