/** SambaNova Cloud. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";

export const sambanova = {
  ...CHAT_HOST,
  kind: "sambanova",
  title: "SambaNova",
  baseUrl: "https://api.sambanova.ai",
  models: [
    { id: "MiniMax-M3", aliases: ["minimax-m3"] },
    { id: "DeepSeek-V3.1", aliases: ["deepseek-v3.1"] },
    { id: "DeepSeek-V3.2", aliases: ["deepseek-v3.2"] },
    { id: "gpt-oss-120b", aliases: [] },
    { id: "Meta-Llama-3.3-70B-Instruct", aliases: ["llama-3.3-70b"] },
  ],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "reasoning-content",
    "no-parallel-tool-calls",
    "no-user",
  ],
  billing: { ...CHAT_HOST.billing, outputTokensPerSecondMax: 3_000 },
  priceSource: "https://cloud.sambanova.ai/plans/pricing",
  source: "https://docs.sambanova.ai: OpenAI compatibility, models; prices of October 2026",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
