/** Perplexity: answers with searches of its own; takes no tools. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { chatDoor } from "./doors.ts";

export const perplexity = {
  ...CHAT_HOST,
  kind: "perplexity",
  title: "Perplexity",
  baseUrl: "https://api.perplexity.ai",
  doors: [chatDoor("/chat/completions")],
  modelList: null,
  models: [
    { id: "sonar", aliases: [] },
    { id: "sonar-pro", aliases: [] },
    { id: "sonar-reasoning-pro", aliases: [] },
  ],
  families: ["sonar"],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "strict-alternation",
    "no-stream-options",
    "no-tool-choice-required",
    "no-parallel-tool-calls",
    "no-stop",
    "no-user",
  ],
  can: { ...CHAT_HOST.can, tools: false, caching: "none" },
  priceSource: "https://docs.perplexity.ai/docs/getting-started/pricing",
  source:
    "https://docs.perplexity.ai: chat completions, pricing; a list of models is not documented",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
