/** Prices that OpenRouter lists; it passes on what the host that it picks charges. */
import { list, type ProviderTable } from "./provider-table.ts";

export const OPENROUTER_PRICES: ProviderTable = {
  kinds: ["openrouter"],
  source: "https://openrouter.ai/models",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "openai/gpt-6-sol",
      prices: list("2", "10", { read: "0.2", write: "2.5" }),
      longContext: { aboveTokens: 272_000, prices: list("4", "15", { read: "0.4", write: "5" }) },
      contextWindowTokens: 1_050_000,
      maxOutputTokens: 128_000,
    },
    {
      model: "openai/gpt-6-luna",
      prices: list("0.1", "0.5", { read: "0.01", write: "0.125" }),
      longContext: {
        aboveTokens: 272_000,
        prices: list("0.2", "0.75", { read: "0.02", write: "0.25" }),
      },
      contextWindowTokens: 1_050_000,
      maxOutputTokens: 128_000,
    },
    {
      model: "openai/gpt-5.6-sol",
      prices: list("2", "10", { read: "0.2", write: "2.5" }),
      longContext: { aboveTokens: 272_000, prices: list("4", "15", { read: "0.4", write: "5" }) },
      contextWindowTokens: 1_050_000,
      maxOutputTokens: 128_000,
    },
    {
      model: "moonshotai/kimi-k3",
      prices: list("3", "15", { read: "0.3" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 1_048_576,
    },
    {
      model: "z-ai/glm-5.3",
      prices: list("1.4", "4.4", { read: "0.26" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 131_072,
    },
    {
      model: "z-ai/glm-5.3-flash",
      prices: list("0.075", "0.25", { read: "0.015" }),
      contextWindowTokens: 1_310_720,
      maxOutputTokens: 131_072,
    },
    {
      model: "minimax/minimax-m3",
      prices: list("0.3", "1.2", { read: "0.06" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 1_048_576,
    },
    {
      model: "x-ai/grok-4.3",
      prices: list("1.25", "2.5", { read: "0.2" }),
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 1_000_000,
    },
    {
      model: "qwen/qwen3.7-plus",
      prices: list("0.4", "1.6", { read: "0.08", write: "0.5" }),
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 131_072,
    },
    {
      model: "mistralai/mistral-large-2512",
      prices: list("0.5", "1.5", { read: "0.05" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
  ],
};
