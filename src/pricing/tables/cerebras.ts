/** List prices of Cerebras. */
import { list, type ProviderTable } from "./provider-table.ts";

export const CEREBRAS_PRICES: ProviderTable = {
  kinds: ["cerebras"],
  source: "https://www.cerebras.ai/pricing",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "zai-glm-4.7",
      prices: list("2.25", "2.75"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 40_960,
    },
    {
      model: "gpt-oss-120b",
      prices: list("0.35", "0.75"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 40_960,
    },
    {
      model: "gemma-4-31b",
      prices: list("0.99", "1.49"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 40_960,
    },
  ],
};
