/** Anthropic's own API: the Messages format as it is defined, and the door that all others copy. */
import type { ProviderRow } from "../row.ts";

export const anthropic = {
  kind: "anthropic",
  title: "Anthropic",
  baseUrl: "https://api.anthropic.com",
  settings: [],
  transport: "http",
  doors: [
    {
      id: "messages",
      format: "anthropic-messages",
      paths: {
        message: "/v1/messages",
        stream: "/v1/messages",
        countTokens: "/v1/messages/count_tokens",
      },
      models: null,
      headers: {},
      sendsPings: true,
    },
  ],
  auth: [{ kind: "header", name: "x-api-key", prefix: "" }],
  modelList: { path: "/v1/models", format: "anthropic" },
  models: [],
  families: ["claude"],
  asksAsWritten: true,
  quirks: [],
  can: {
    tools: true,
    thinking: true,
    caching: "explicit",
    vision: true,
    documents: true,
    structuredOutput: true,
    maxTokensIncludesThinking: true,
    takesUnknownBetas: true,
    // Its tokenizer is not published, so the wide bound for text that normalises applies.
    tokensNeverExceedBytes: false,
    imageTokensMax: 5_000,
  },
  billing: {
    billsToTheEnd: false,
    unprovenStatuses: [408, 504],
    refusalBeforeOutputIsFree: true,
    // Public speed listings show some 200 tokens a second for the fastest small models and about
    // 170 for fast mode on a large one; twice the fastest leaves room for bursts and new models.
    outputTokensPerSecondMax: 400,
  },
  priceSource: "https://platform.claude.com/docs/en/about-claude/pricing",
  source:
    "Anthropic API reference: Messages, Token counting, Models, Errors; public speed listings",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
