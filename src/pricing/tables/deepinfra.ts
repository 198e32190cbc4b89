/** List prices of DeepInfra. */
import { list, type ProviderTable } from "./provider-table.ts";

export const DEEPINFRA_PRICES: ProviderTable = {
  kinds: ["deepinfra"],
  source: "https://deepinfra.com/pricing",
  checkedOn: "2026-11-23",
  rows: [
    {
      model: "deepseek-ai/DeepSeek-V4-Pro",
      prices: list("1.3", "2.6", { read: "0.1" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 16_384,
    },
    {
      model: "deepseek-ai/DeepSeek-V4-Flash",
      prices: list("0.1", "0.2", { read: "0.02" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 16_384,
    },
    {
      model: "moonshotai/Kimi-K2.7-Code",
      prices: list("0.74", "3.5", { read: "0.15" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 16_384,
    },
    {
      model: "zai-org/GLM-5.2",
      prices: list("0.95", "3", { read: "0.18" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 32_768,
    },
    {
      model: "MiniMaxAI/MiniMax-M2.5",
      prices: list("0.15", "1.15", { read: "0.03", write: "0.375" }),
      contextWindowTokens: 196_608,
      maxOutputTokens: 131_072,
    },
    {
      model: "Qwen/Qwen3.5-397B-A17B",
      prices: list("0.45", "3", { read: "0.22" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 81_920,
    },
    {
      model: "openai/gpt-oss-120b",
      prices: list("0.039", "0.19"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 131_072,
    },
  ],
};
