/** Databricks: Claude in Anthropic's format, everything by chat completions. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { DATABRICKS_CLAUDE } from "./claude-models.ts";
import { chatDoor, messagesDoor } from "./doors.ts";

export const databricks = {
  ...CHAT_HOST,
  kind: "databricks",
  title: "Databricks",
  baseUrl: "https://{workspace}",
  settings: ["workspace"],
  doors: [
    messagesDoor("/serving-endpoints/anthropic", { models: ["databricks-claude-*"] }),
    chatDoor("/serving-endpoints/chat/completions"),
  ],
  modelList: null,
  models: [
    ...DATABRICKS_CLAUDE,
    { id: "databricks-gpt-5-5", aliases: ["gpt-5.5"] },
    { id: "databricks-gpt-5-4-mini", aliases: ["gpt-5.4-mini"] },
    { id: "databricks-gemini-3-1-pro", aliases: ["gemini-3.1-pro"] },
    { id: "databricks-gpt-oss-120b", aliases: ["gpt-oss-120b"] },
  ],
  families: null,
  quirks: ["max-tokens-legacy", "system-role", "tool-results-text", "no-documents", "no-user"],
  can: { ...CHAT_HOST.can, caching: "explicit" },
  priceSource: "https://www.databricks.com/product/pricing/foundation-model-serving",
  source:
    "https://docs.databricks.com/machine-learning/model-serving/query-anthropic-messages; prices as the vendors' lists in July 2026, names of newer models by pattern",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
