/** Together AI. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";

export const together = {
  ...CHAT_HOST,
  kind: "together",
  title: "Together AI",
  baseUrl: "https://api.together.xyz",
  models: [
    { id: "moonshotai/Kimi-K2.7-Code", aliases: ["kimi-k2.7-code"] },
    { id: "deepseek-ai/DeepSeek-V4-Pro", aliases: ["deepseek-v4-pro"] },
    { id: "zai-org/GLM-5.2", aliases: ["glm-5.2"] },
    { id: "MiniMaxAI/MiniMax-M3", aliases: ["minimax-m3"] },
    { id: "Qwen/Qwen3-Coder-Next-FP8", aliases: ["qwen3-coder-next"] },
    { id: "openai/gpt-oss-120b", aliases: ["gpt-oss-120b"] },
    { id: "meta-llama/Llama-3.3-70B-Instruct-Turbo", aliases: ["llama-3.3-70b"] },
  ],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "reasoning-field",
  ],
  priceSource: "https://www.together.ai/pricing",
  source:
    "https://docs.together.ai: chat completions, serverless models; prices by an independent list of July 2026",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
