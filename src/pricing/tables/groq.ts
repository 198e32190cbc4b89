/** List prices of Groq. */
import { list, type ProviderTable } from "./provider-table.ts";

export const GROQ_PRICES: ProviderTable = {
  kinds: ["groq"],
  source: "https://groq.com/pricing",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "openai/gpt-oss-120b",
      prices: list("0.15", "0.6", { read: "0.075" }),
      contextWindowTokens: 131_072,
      maxOutputTokens: 65_536,
    },
    {
      model: "openai/gpt-oss-20b",
      prices: list("0.075", "0.3", { read: "0.0375" }),
      contextWindowTokens: 131_072,
      maxOutputTokens: 65_536,
    },
    {
      model: "qwen/qwen3-32b",
      prices: list("0.29", "0.59"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 40_960,
    },
    {
      model: "llama-3.3-70b-versatile",
      prices: list("0.59", "0.79"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 32_768,
    },
    {
      model: "meta-llama/llama-4-scout-17b-16e-instruct",
      prices: list("0.11", "0.34"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 8_192,
    },
  ],
};
