/** List prices of Cohere. */
import { list, type ProviderTable } from "./provider-table.ts";

export const COHERE_PRICES: ProviderTable = {
  kinds: ["cohere"],
  source: "https://cohere.com/pricing",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "command-a-plus-05-2026",
      prices: list("2.5", "10"),
      contextWindowTokens: 256_000,
      maxOutputTokens: 64_000,
    },
    {
      model: "command-a-03-2025",
      prices: list("2.5", "10"),
      contextWindowTokens: 256_000,
      maxOutputTokens: 8_000,
    },
    {
      model: "command-a-reasoning-08-2025",
      prices: list("2.5", "10"),
      contextWindowTokens: 256_000,
      maxOutputTokens: 32_000,
    },
    {
      model: "command-r7b-12-2024",
      prices: list("0.0375", "0.15"),
      contextWindowTokens: 128_000,
      maxOutputTokens: 4_000,
    },
  ],
};
