/** Prices that the Hugging Face router lists; it passes on what the host that it picks charges. */
import { list, type ProviderTable } from "./provider-table.ts";

export const HUGGINGFACE_PRICES: ProviderTable = {
  kinds: ["huggingface"],
  source: "https://router.huggingface.co/v1/models",
  checkedOn: "2026-11-23",
  rows: [
    {
      model: "deepseek-ai/DeepSeek-V4-Pro",
      prices: list("1.74", "3.48"),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 393_216,
    },
    {
      model: "moonshotai/Kimi-K2.7-Code",
      prices: list("0.95", "4"),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "zai-org/GLM-5.2",
      prices: list("1.4", "4.4"),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "MiniMaxAI/MiniMax-M3",
      prices: list("0.3", "1.2"),
      contextWindowTokens: 524_288,
      maxOutputTokens: 524_288,
    },
    {
      model: "Qwen/Qwen3-Coder-Next",
      prices: list("0.2", "1.5"),
      contextWindowTokens: 262_144,
      maxOutputTokens: 65_536,
    },
    {
      model: "openai/gpt-oss-120b",
      prices: list("0.25", "0.69"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 131_072,
    },
  ],
};
