/** List prices of Mistral. */
import { list, type ProviderTable } from "./provider-table.ts";

export const MISTRAL_PRICES: ProviderTable = {
  kinds: ["mistral"],
  source: "https://mistral.ai/pricing/api",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "mistral-medium-latest",
      from: "2026-01-01",
      prices: list("0.4", "2", { read: "0.04" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "mistral-medium-latest",
      from: "2026-06-16",
      prices: list("1.5", "7.5", { read: "0.15" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "mistral-medium-3-5",
      aliases: ["mistral-medium-2604"],
      prices: list("1.5", "7.5", { read: "0.15" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "mistral-large-2512",
      aliases: ["mistral-large-latest"],
      prices: list("0.5", "1.5", { read: "0.05" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "mistral-small-2603",
      aliases: ["mistral-small-latest"],
      prices: list("0.15", "0.6", { read: "0.015" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "devstral-2512",
      aliases: ["devstral-latest"],
      prices: list("0.4", "2", { read: "0.04" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "codestral-2508",
      aliases: ["codestral-latest"],
      prices: list("0.3", "0.9", { read: "0.03" }),
      contextWindowTokens: 256_000,
      maxOutputTokens: 256_000,
    },
  ],
};
