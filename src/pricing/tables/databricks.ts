/** List prices of Databricks' pay-per-token models other than Claude, which follow Anthropic's. */
import { list, type ProviderTable } from "./provider-table.ts";

export const DATABRICKS_PRICES: ProviderTable = {
  kinds: ["databricks"],
  source: "https://www.databricks.com/product/pricing/foundation-model-serving",
  checkedOn: "2026-11-23",
  rows: [
    {
      model: "databricks-gpt-5-5",
      prices: list("5", "30", { read: "0.5" }),
      contextWindowTokens: 1_050_000,
      maxOutputTokens: 128_000,
    },
    {
      model: "databricks-gpt-5-4-mini",
      prices: list("0.75", "4.5", { read: "0.075" }),
      contextWindowTokens: 400_000,
      maxOutputTokens: 128_000,
    },
    {
      model: "databricks-gemini-3-1-pro",
      prices: list("2", "12", { read: "0.2" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "databricks-gpt-oss-120b",
      prices: list("0.15", "0.6"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 32_768,
    },
  ],
};
