/** Nebius Token Factory. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";

export const nebius = {
  ...CHAT_HOST,
  kind: "nebius",
  title: "Nebius Token Factory",
  baseUrl: "https://api.tokenfactory.nebius.com",
  models: [
    { id: "deepseek-ai/DeepSeek-V4-Pro", aliases: ["deepseek-v4-pro"] },
    { id: "zai-org/GLM-5.2", aliases: ["glm-5.2"] },
    { id: "moonshotai/Kimi-K2.5", aliases: ["kimi-k2.5"] },
    { id: "MiniMaxAI/MiniMax-M2.5", aliases: ["minimax-m2.5"] },
    { id: "Qwen/Qwen3.5-397B-A17B", aliases: ["qwen3.5-397b"] },
    { id: "openai/gpt-oss-120b", aliases: ["gpt-oss-120b"] },
  ],
  priceSource: "https://tokenfactory.nebius.com/models",
  source:
    "https://docs.tokenfactory.nebius.com/api-reference; prices by an independent list of July 2026",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
