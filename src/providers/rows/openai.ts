/** OpenAI: Responses first, chat completions beside it. */
import type { ModelRow, ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { chatDoor, responsesDoor } from "./doors.ts";

const named = (id: string): ModelRow => ({ id, aliases: [] });

export const openai = {
  ...CHAT_HOST,
  kind: "openai",
  title: "OpenAI",
  baseUrl: "https://api.openai.com",
  doors: [responsesDoor("/v1/responses", true), chatDoor("/v1/chat/completions")],
  models: [
    "gpt-6-astra",
    "gpt-6-sol",
    "gpt-6-luna",
    "gpt-5.6-sol",
    "gpt-5.6-terra",
    "gpt-5.6-luna",
    "gpt-5.5",
    "gpt-5.4",
    "gpt-5.4-mini",
    "gpt-5.4-nano",
    "gpt-5.3-codex",
    "gpt-5.2",
    "gpt-5.1",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-4.1",
    "gpt-4.1-mini",
  ].map(named),
  families: ["gpt"],
  quirks: ["no-top-k", "four-stops", "no-temperature"],
  can: {
    ...CHAT_HOST.can,
    documents: true,
    // The published tokenizers work on bytes and normalise nothing.
    tokensNeverExceedBytes: true,
    // A picture of the largest size at gpt-4o-mini: 2,833 and eight tiles of 5,667.
    imageTokensMax: 48_169,
  },
  billing: { ...CHAT_HOST.billing, outputTokensPerSecondMax: 2_000 },
  priceSource: "https://developers.openai.com/api/docs/pricing",
  source: "https://platform.openai.com/docs/api-reference: responses, chat, models; images guide",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
