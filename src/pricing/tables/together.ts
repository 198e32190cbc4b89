/** List prices of Together AI. */
import { list, type ProviderTable } from "./provider-table.ts";

export const TOGETHER_PRICES: ProviderTable = {
  kinds: ["together"],
  source: "https://www.together.ai/pricing",
  checkedOn: "2026-11-23",
  rows: [
    {
      model: "moonshotai/Kimi-K2.7-Code",
      prices: list("0.95", "4", { read: "0.19" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "deepseek-ai/DeepSeek-V4-Pro",
      prices: list("1.74", "3.48", { read: "0.2" }),
      contextWindowTokens: 512_000,
      maxOutputTokens: 384_000,
    },
    {
      model: "zai-org/GLM-5.2",
      prices: list("1.4", "4.4", { read: "0.26" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 164_000,
    },
    {
      model: "MiniMaxAI/MiniMax-M3",
      prices: list("0.3", "1.2", { read: "0.06" }),
      contextWindowTokens: 524_288,
      maxOutputTokens: 250_000,
    },
    {
      model: "Qwen/Qwen3-Coder-Next-FP8",
      prices: list("0.5", "1.2"),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "openai/gpt-oss-120b",
      prices: list("0.15", "0.6"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 131_072,
    },
    {
      model: "meta-llama/Llama-3.3-70B-Instruct-Turbo",
      prices: list("0.88", "0.88"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 131_072,
    },
  ],
};
