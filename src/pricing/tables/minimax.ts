/** List prices of MiniMax. */
import { list, type ProviderTable } from "./provider-table.ts";

export const MINIMAX_PRICES: ProviderTable = {
  kinds: ["minimax"],
  source: "https://platform.minimax.io/docs/guides/pricing-paygo",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "MiniMax-M3",
      prices: list("0.3", "1.2", { read: "0.06" }),
      longContext: { aboveTokens: 512_000, prices: list("0.6", "2.4", { read: "0.12" }) },
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 131_072,
    },
    {
      model: "MiniMax-M2.7",
      prices: list("0.3", "1.2", { read: "0.06", write: "0.375" }),
      contextWindowTokens: 204_800,
      maxOutputTokens: 131_072,
    },
    {
      model: "MiniMax-M2.7-highspeed",
      prices: list("0.6", "2.4", { read: "0.06", write: "0.375" }),
      contextWindowTokens: 204_800,
      maxOutputTokens: 131_072,
    },
    {
      model: "MiniMax-M2.5-highspeed",
      prices: list("0.6", "2.4", { read: "0.03", write: "0.375" }),
      contextWindowTokens: 204_800,
      maxOutputTokens: 131_072,
    },
    {
      model: "MiniMax-M2",
      prices: list("0.3", "1.2", { read: "0.03", write: "0.375" }),
      contextWindowTokens: 204_800,
      maxOutputTokens: 131_072,
    },
  ],
};
