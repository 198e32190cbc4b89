/** List prices of DeepSeek, dearer in the hours of the day that it names. */
import { list, type ProviderTable } from "./provider-table.ts";

/** Twice the price, as that page says. */
const PEAK_HOURS_UTC = [
  [1, 4],
  [6, 10],
] as const;

export const DEEPSEEK_PRICES: ProviderTable = {
  kinds: ["deepseek"],
  source: "https://api-docs.deepseek.com/quick_start/pricing",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "deepseek-v4-pro",
      from: "2026-01-01",
      prices: list("0.435", "0.87", { read: "0.003625" }),
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 384_000,
    },
    {
      model: "deepseek-v4-pro",
      from: "2026-08-17",
      prices: list("0.66", "1.98", { read: "0.022" }),
      peak: { hoursUtc: PEAK_HOURS_UTC, prices: list("1.32", "3.96", { read: "0.044" }) },
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 384_000,
    },
    {
      model: "deepseek-v4-flash",
      from: "2026-01-01",
      prices: list("0.14", "0.28", { read: "0.0028" }),
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 384_000,
    },
    {
      model: "deepseek-v4-flash",
      from: "2026-08-17",
      prices: list("0.22", "0.66", { read: "0.007" }),
      peak: { hoursUtc: PEAK_HOURS_UTC, prices: list("0.44", "1.32", { read: "0.014" }) },
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 384_000,
    },
  ],
};
