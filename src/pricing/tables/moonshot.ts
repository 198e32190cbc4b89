/** List prices of Moonshot's Kimi models. */
import { list, type ProviderTable } from "./provider-table.ts";

export const MOONSHOT_PRICES: ProviderTable = {
  kinds: ["moonshot"],
  source: "https://platform.kimi.ai/docs/models",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "kimi-k3",
      prices: list("3", "15", { read: "0.3" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 1_048_576,
    },
    {
      model: "kimi-k2.7-code",
      prices: list("0.95", "4", { read: "0.19" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "kimi-k2.7-code-highspeed",
      prices: list("1.9", "8", { read: "0.38" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "kimi-k2.6",
      prices: list("0.95", "4", { read: "0.16" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
    {
      model: "kimi-k2.5",
      prices: list("0.6", "3", { read: "0.1" }),
      contextWindowTokens: 262_144,
      maxOutputTokens: 262_144,
    },
  ],
};
