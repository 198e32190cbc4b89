/** Mistral. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";

export const mistral = {
  ...CHAT_HOST,
  kind: "mistral",
  title: "Mistral AI",
  baseUrl: "https://api.mistral.ai",
  models: [
    { id: "mistral-medium-latest", aliases: ["mistral-medium"] },
    { id: "mistral-medium-3-5", aliases: [] },
    { id: "mistral-large-2512", aliases: ["mistral-large", "mistral-large-latest"] },
    { id: "mistral-small-2603", aliases: ["mistral-small", "mistral-small-latest"] },
    { id: "devstral-2512", aliases: ["devstral", "devstral-latest"] },
    { id: "codestral-2508", aliases: ["codestral", "codestral-latest"] },
  ],
  families: ["mistral"],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-choice-any",
    "short-tool-ids",
    "no-stream-options",
    "no-top-k",
    "no-user",
    "no-reasoning-effort",
    "tool-results-text",
    "no-documents",
  ],
  priceSource: "https://mistral.ai/pricing/api",
  source:
    "https://docs.mistral.ai/api: chat completion, models; thinking comes as parts of the content",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
