/** List prices of Perplexity; the fee for a request is that of the widest search context. */
import { list, type ProviderTable } from "./provider-table.ts";

export const PERPLEXITY_PRICES: ProviderTable = {
  kinds: ["perplexity"],
  source: "https://docs.perplexity.ai/docs/getting-started/pricing",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "sonar",
      prices: list("1", "1"),
      feePerThousandRequests: "12",
      contextWindowTokens: 128_000,
      maxOutputTokens: 8_192,
    },
    {
      model: "sonar-pro",
      prices: list("3", "15"),
      feePerThousandRequests: "14",
      contextWindowTokens: 200_000,
      maxOutputTokens: 8_192,
    },
    {
      model: "sonar-reasoning-pro",
      prices: list("2", "8"),
      feePerThousandRequests: "14",
      contextWindowTokens: 128_000,
      maxOutputTokens: 32_768,
    },
  ],
};
