/** Cohere, by its compatibility interface. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";

export const cohere = {
  ...CHAT_HOST,
  kind: "cohere",
  title: "Cohere",
  baseUrl: "https://api.cohere.ai/compatibility",
  modelList: null,
  models: [
    { id: "command-a-plus-05-2026", aliases: ["command-a-plus"] },
    { id: "command-a-03-2025", aliases: ["command-a"] },
    { id: "command-a-reasoning-08-2025", aliases: ["command-a-reasoning"] },
    { id: "command-r7b-12-2024", aliases: ["command-r7b"] },
  ],
  families: ["cohere"],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "no-parallel-tool-calls",
    "no-top-k",
    "no-user",
    "no-images",
  ],
  can: { ...CHAT_HOST.can, vision: false, caching: "none" },
  priceSource: "https://cohere.com/pricing",
  source:
    "https://docs.cohere.com/docs/compatibility-api; prices by an independent list of July 2026",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
