/** Cerebras. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";

export const cerebras = {
  ...CHAT_HOST,
  kind: "cerebras",
  title: "Cerebras",
  baseUrl: "https://api.cerebras.ai",
  models: [
    { id: "zai-glm-4.7", aliases: ["glm-4.7"] },
    { id: "gpt-oss-120b", aliases: [] },
    { id: "gemma-4-31b", aliases: [] },
  ],
  quirks: [
    "system-role",
    "reasoning-field",
    "four-stops",
    "no-top-k",
    "tool-results-text",
    "no-images",
    "no-documents",
  ],
  can: { ...CHAT_HOST.can, vision: false },
  billing: { ...CHAT_HOST.billing, outputTokensPerSecondMax: 6_000 },
  priceSource: "https://www.cerebras.ai/pricing",
  source: "https://inference-docs.cerebras.ai: chat completions, reasoning, models",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
