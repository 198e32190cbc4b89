/** List prices of Z.ai's GLM models. */
import { list, type ProviderTable } from "./provider-table.ts";

export const ZAI_PRICES: ProviderTable = {
  kinds: ["zai"],
  source: "https://docs.z.ai/guides/overview/pricing",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "glm-5.3",
      prices: list("1.4", "4.4", { read: "0.26" }),
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 131_072,
    },
    {
      model: "glm-5.3-flash",
      prices: list("0.075", "0.25", { read: "0.015" }),
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 131_072,
    },
    {
      model: "glm-5.2",
      prices: list("1.4", "4.4", { read: "0.26" }),
      contextWindowTokens: 1_000_000,
      maxOutputTokens: 131_072,
    },
    {
      model: "glm-5.1",
      prices: list("1.4", "4.4", { read: "0.26" }),
      contextWindowTokens: 204_800,
      maxOutputTokens: 131_072,
    },
    {
      model: "glm-4.7",
      prices: list("0.6", "2.2", { read: "0.11" }),
      contextWindowTokens: 204_800,
      maxOutputTokens: 131_072,
    },
    {
      model: "glm-4.5-air",
      prices: list("0.2", "1.1", { read: "0.03" }),
      contextWindowTokens: 131_072,
      maxOutputTokens: 98_304,
    },
  ],
};
