/** List prices of SambaNova Cloud. */
import { list, type ProviderTable } from "./provider-table.ts";

export const SAMBANOVA_PRICES: ProviderTable = {
  kinds: ["sambanova"],
  source: "https://cloud.sambanova.ai/plans/pricing",
  checkedOn: "2026-11-23",
  rows: [
    {
      model: "MiniMax-M3",
      prices: list("0.6", "2.4", { read: "0.06" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 1_048_576,
    },
    {
      model: "DeepSeek-V3.1",
      prices: list("3", "4.5"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 131_072,
    },
    {
      model: "DeepSeek-V3.2",
      prices: list("3", "4.5"),
      contextWindowTokens: 32_768,
      maxOutputTokens: 32_768,
    },
    {
      model: "gpt-oss-120b",
      prices: list("0.22", "0.59"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 131_072,
    },
    {
      model: "Meta-Llama-3.3-70B-Instruct",
      prices: list("0.6", "1.2"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 131_072,
    },
  ],
};
