/** List prices of Amazon Bedrock for models other than Claude. */
import { list, type ProviderTable } from "./provider-table.ts";

export const BEDROCK_PRICES: ProviderTable = {
  kinds: ["bedrock"],
  source: "https://aws.amazon.com/bedrock/pricing/",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "global.amazon.nova-2-lite-v1:0",
      prices: list("0.3", "2.5", { read: "0.075" }),
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 64_000,
    },
    {
      model: "amazon.nova-2-lite-v1:0",
      prices: list("0.33", "2.75", { read: "0.0825" }),
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 64_000,
    },
    {
      model: "amazon.nova-premier-v1:0",
      prices: list("2.5", "12.5", { read: "0.625" }),
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 32_000,
    },
    {
      model: "amazon.nova-pro-v1:0",
      prices: list("0.8", "3.2", { read: "0.2" }),
      contextWindowTokens: 300_000,
      maxOutputTokens: 10_000,
    },
    {
      model: "amazon.nova-lite-v1:0",
      prices: list("0.06", "0.24", { read: "0.015" }),
      contextWindowTokens: 300_000,
      maxOutputTokens: 10_000,
    },
    {
      model: "amazon.nova-micro-v1:0",
      prices: list("0.035", "0.14", { read: "0.00875" }),
      contextWindowTokens: 128_000,
      maxOutputTokens: 10_000,
    },
    {
      model: "openai.gpt-oss-120b-1:0",
      prices: list("0.15", "0.6"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 128_000,
    },
    {
      model: "openai.gpt-oss-20b-1:0",
      prices: list("0.07", "0.3"),
      contextWindowTokens: 131_072,
      maxOutputTokens: 128_000,
    },
    {
      model: "qwen.qwen3-coder-480b-a35b-v1:0",
      prices: list("0.45", "1.8"),
      contextWindowTokens: 262_144,
      maxOutputTokens: 65_536,
    },
    {
      model: "mistral.mistral-large-3-675b-instruct",
      prices: list("0.5", "1.5"),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "meta.llama4-maverick-17b-instruct-v1:0",
      prices: list("0.24", "0.97"),
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 8_192,
    },
    {
      model: "deepseek.r1-v1:0",
      prices: list("1.35", "5.4"),
      contextWindowTokens: 128_000,
      maxOutputTokens: 32_768,
    },
  ],
};
