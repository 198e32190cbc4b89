/** List prices of Nebius Token Factory. */
import { list, type ProviderTable } from "./provider-table.ts";

export const NEBIUS_PRICES: ProviderTable = {
  kinds: ["nebius"],
  source: "https://tokenfactory.nebius.com/models",
  checkedOn: "2026-11-23",
  rows: [
    {
      model: "deepseek-ai/DeepSeek-V4-Pro",
      prices: list("1.75", "3.5", { read: "0.15" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 393_216,
    },
    {
      model: "zai-org/GLM-5.2",
      prices: list("1.4", "4.4"),
      contextWindowTokens: 432_000,
      maxOutputTokens: 432_000,
    },
    {
      model: "moonshotai/Kimi-K2.5",
      prices: list("0.5", "2.5", { read: "0.05", write: "0.625" }),
      contextWindowTokens: 256_000,
      maxOutputTokens: 256_000,
    },
    {
      model: "MiniMaxAI/MiniMax-M2.5",
      prices: list("0.3", "1.2", { read: "0.03", write: "0.375" }),
      contextWindowTokens: 196_608,
      maxOutputTokens: 196_608,
    },
    {
      model: "Qwen/Qwen3.5-397B-A17B",
      prices: list("0.6", "3.6", { read: "0.06", write: "0.75" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "openai/gpt-oss-120b",
      prices: list("0.15", "0.6", { read: "0.015", write: "0.18" }),
      contextWindowTokens: 131_072,
      maxOutputTokens: 131_072,
    },
  ],
};
