/** What rows of one sort have in common; a row spreads one of these and says how it differs. */
import type { Family } from "../families.ts";
import type { ProviderRow } from "../row.ts";
import { anthropic } from "./anthropic.ts";
import { BEARER, chatDoor } from "./doors.ts";

/** Families whose weights are open: any host may serve them. */
const OPEN_WEIGHTS: readonly Family[] = [
  "open",
  "deepseek",
  "kimi",
  "glm",
  "minimax",
  "mistral",
  "cohere",
];

const { asksAsWritten: _ownNames, ...anthropicFormat } = anthropic;

/** Claude on a cloud that has names of its own for it. */
export const CLAUDE_CLOUD = {
  ...anthropicFormat,
  can: { ...anthropic.can, takesUnknownBetas: false },
  // Nothing is documented of attempts that break off: they count as billed to their end.
  billing: {
    ...anthropic.billing,
    billsToTheEnd: true,
    unprovenStatuses: [408, 500, 502, 503, 504],
  },
} as const satisfies ProviderRow;

/** A host of open weights behind OpenAI's chat completions, with nothing said about its models. */
export const CHAT_HOST = {
  settings: [],
  transport: "http",
  doors: [chatDoor("/v1/chat/completions")],
  auth: [BEARER],
  modelList: { path: "/v1/models", format: "openai" },
  models: [],
  families: OPEN_WEIGHTS,
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "reasoning-content",
    "tool-results-text",
    "no-documents",
  ],
  can: {
    tools: true,
    thinking: true,
    caching: "automatic",
    vision: true,
    documents: false,
    structuredOutput: true,
    maxTokensIncludesThinking: true,
    takesUnknownBetas: false,
    tokensNeverExceedBytes: false,
    // Vision models of open weights take pictures of up to 16,384 patches.
    imageTokensMax: 16_384,
  },
  billing: {
    billsToTheEnd: true,
    unprovenStatuses: [408, 500, 502, 503, 504],
    refusalBeforeOutputIsFree: false,
    outputTokensPerSecondMax: 1_000,
  },
} as const satisfies Omit<
  ProviderRow,
  "kind" | "title" | "baseUrl" | "priceSource" | "source" | "checkedOn"
>;

/** A server on a machine of one's own: no key needed, nothing charged, any name taken. */
export const OWN_MACHINE = {
  ...CHAT_HOST,
  auth: [BEARER, { kind: "none" }],
  families: null,
  billing: {
    billsToTheEnd: false,
    unprovenStatuses: [],
    refusalBeforeOutputIsFree: true,
    outputTokensPerSecondMax: 10_000,
  },
  priceSource: null,
} as const satisfies Omit<ProviderRow, "kind" | "title" | "baseUrl" | "source" | "checkedOn">;
