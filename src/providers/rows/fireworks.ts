/** Fireworks AI: Anthropic's format, chat completions and Responses beside it. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { chatDoor, messagesDoor, responsesDoor } from "./doors.ts";

export const fireworks = {
  ...CHAT_HOST,
  kind: "fireworks",
  title: "Fireworks AI",
  baseUrl: "https://api.fireworks.ai/inference",
  doors: [messagesDoor(""), chatDoor("/v1/chat/completions"), responsesDoor("/v1/responses")],
  models: [
    { id: "accounts/fireworks/models/kimi-k3", aliases: ["kimi-k3"] },
    { id: "accounts/fireworks/models/kimi-k2p7-code", aliases: ["kimi-k2.7-code"] },
    { id: "accounts/fireworks/models/glm-5p2", aliases: ["glm-5.2"] },
    { id: "accounts/fireworks/models/deepseek-v4-pro", aliases: ["deepseek-v4-pro"] },
    { id: "accounts/fireworks/models/deepseek-v4-flash", aliases: ["deepseek-v4-flash"] },
    { id: "accounts/fireworks/models/minimax-m3", aliases: ["minimax-m3"] },
    { id: "accounts/fireworks/models/gpt-oss-120b", aliases: ["gpt-oss-120b"] },
    { id: "accounts/fireworks/models/gpt-oss-20b", aliases: ["gpt-oss-20b"] },
  ],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "reasoning-content",
  ],
  priceSource: "https://fireworks.ai/pricing",
  source: "https://docs.fireworks.ai: Anthropic compatibility, chat completions, responses",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
