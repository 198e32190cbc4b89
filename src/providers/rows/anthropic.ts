/** Anthropic's own API: the Messages format as it is defined, and the door that all others copy. */
import type { ProviderRow } from "../row.ts";

export const anthropic = {
  kind: "anthropic",
  title: "Anthropic",
  baseUrl: "https://api.anthropic.com",
  transport: "http",
  wire: "anthropic-messages",
  auth: { kind: "header", name: "x-api-key", prefix: "" },
  paths: {
    messages: "/v1/messages",
    countTokens: "/v1/messages/count_tokens",
    models: "/v1/models",
  },
  can: {
    maxTokensIncludesThinking: true,
    sendsPings: true,
    takesUnknownBetas: true,
    // Its tokenizer is not published, so the wide bound for text that normalises applies.
    tokensNeverExceedBytes: false,
  },
  billing: {
    billsToTheEnd: false,
    unprovenStatuses: [408, 504],
    refusalBeforeOutputIsFree: true,
    // Public speed listings show some 200 tokens a second for the fastest small models and about
    // 170 for fast mode on a large one; twice the fastest leaves room for bursts and new models.
    outputTokensPerSecondMax: 400,
  },
  source:
    "Anthropic API reference: Messages, Token counting, Models, Errors; public speed listings",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
