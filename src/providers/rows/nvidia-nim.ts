/** NVIDIA NIM: the hosted catalogue; a server of one's own by base_url. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";

export const nvidiaNim = {
  ...CHAT_HOST,
  kind: "nvidia-nim",
  title: "NVIDIA NIM",
  baseUrl: "https://integrate.api.nvidia.com",
  priceSource: null,
  source:
    "https://docs.api.nvidia.com/nim: chat completions, models; the hosted catalogue has credits in place of prices, so its models are assumed",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
