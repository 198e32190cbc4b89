/** List prices of xAI. */
import { list, type ProviderTable } from "./provider-table.ts";

export const XAI_PRICES: ProviderTable = {
  kinds: ["xai"],
  source: "https://docs.x.ai/docs/models",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "grok-4.6",
      prices: list("2", "6", { read: "0.5" }),
      longContext: { aboveTokens: 199_999, prices: list("4", "12", { read: "1" }) },
      contextWindowTokens: 500_000,
      maxOutputTokens: 500_000,
    },
    {
      model: "grok-4.5",
      prices: list("2", "6", { read: "0.3" }),
      longContext: { aboveTokens: 199_999, prices: list("4", "12", { read: "0.6" }) },
      contextWindowTokens: 500_000,
      maxOutputTokens: 500_000,
    },
    {
      model: "grok-4.3",
      prices: list("1.25", "2.5", { read: "0.2" }),
      longContext: { aboveTokens: 199_999, prices: list("2.5", "5", { read: "0.4" }) },
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 1_000_000,
    },
    {
      model: "grok-4.20",
      prices: list("1.25", "2.5", { read: "0.2" }),
      longContext: { aboveTokens: 199_999, prices: list("2.5", "5", { read: "0.4" }) },
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 1_000_000,
    },
    {
      model: "grok-build-0.1",
      prices: list("1", "2", { read: "0.2" }),
      longContext: { aboveTokens: 199_999, prices: list("2", "4", { read: "0.4" }) },
      contextWindowTokens: 256_000,
      maxOutputTokens: 256_000,
    },
  ],
};
