/** List prices of Fireworks AI. */
import { list, type ProviderTable } from "./provider-table.ts";

export const FIREWORKS_PRICES: ProviderTable = {
  kinds: ["fireworks"],
  source: "https://fireworks.ai/pricing",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "accounts/fireworks/models/kimi-k3",
      aliases: ["kimi-k3"],
      prices: list("3", "15", { read: "0.3" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 1_048_576,
    },
    {
      model: "accounts/fireworks/models/kimi-k2p7-code",
      aliases: ["kimi-k2p7-code"],
      prices: list("0.95", "4", { read: "0.19" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "accounts/fireworks/models/glm-5p2",
      aliases: ["glm-5p2"],
      prices: list("1.4", "4.4", { read: "0.14" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 1_048_576,
    },
    {
      model: "accounts/fireworks/models/deepseek-v4-pro",
      aliases: ["deepseek-v4-pro"],
      prices: list("1.74", "3.48", { read: "0.145" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 1_048_576,
    },
    {
      model: "accounts/fireworks/models/deepseek-v4-flash",
      aliases: ["deepseek-v4-flash"],
      prices: list("0.14", "0.28", { read: "0.028" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 1_048_576,
    },
    {
      model: "accounts/fireworks/models/minimax-m3",
      aliases: ["minimax-m3"],
      prices: list("0.3", "1.2", { read: "0.06" }),
      contextWindowTokens: 524_288,
      maxOutputTokens: 524_288,
    },
    {
      model: "accounts/fireworks/models/gpt-oss-120b",
      aliases: ["gpt-oss-120b"],
      prices: list("0.15", "0.6", { read: "0.014" }),
      contextWindowTokens: 131_072,
      maxOutputTokens: 131_072,
    },
    {
      model: "accounts/fireworks/models/gpt-oss-20b",
      aliases: ["gpt-oss-20b"],
      prices: list("0.07", "0.3", { read: "0.035" }),
      contextWindowTokens: 131_072,
      maxOutputTokens: 131_072,
    },
  ],
};
