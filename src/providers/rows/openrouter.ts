/** OpenRouter: many hosts behind Anthropic's format, chat completions beside it. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { OPENROUTER_CLAUDE } from "./claude-models.ts";
import { chatDoor, messagesDoor } from "./doors.ts";

export const openrouter = {
  ...CHAT_HOST,
  kind: "openrouter",
  title: "OpenRouter",
  baseUrl: "https://openrouter.ai/api",
  doors: [messagesDoor(""), chatDoor("/v1/chat/completions")],
  models: [
    ...OPENROUTER_CLAUDE,
    { id: "openai/gpt-6-sol", aliases: ["gpt-6-sol"] },
    { id: "openai/gpt-6-luna", aliases: ["gpt-6-luna"] },
    { id: "openai/gpt-5.6-sol", aliases: ["gpt-5.6-sol"] },
    { id: "moonshotai/kimi-k3", aliases: ["kimi-k3"] },
    { id: "z-ai/glm-5.3", aliases: ["glm-5.3"] },
    { id: "z-ai/glm-5.3-flash", aliases: ["glm-5.3-flash"] },
    { id: "minimax/minimax-m3", aliases: ["minimax-m3"] },
    { id: "x-ai/grok-4.3", aliases: ["grok-4.3"] },
    { id: "qwen/qwen3.7-plus", aliases: ["qwen3.7-plus"] },
    { id: "mistralai/mistral-large-2512", aliases: ["mistral-large-2512"] },
  ],
  families: null,
  quirks: ["max-tokens-legacy", "system-role", "reasoning-field"],
  can: { ...CHAT_HOST.can, documents: true, caching: "explicit", imageTokensMax: 48_169 },
  priceSource: "https://openrouter.ai/models",
  source:
    "https://openrouter.ai/docs: Anthropic messages, chat completions; the host that it picks may charge other prices than the list's first",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
