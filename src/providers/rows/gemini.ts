/** Google's Gemini API. */
import type { ModelRow, ProviderCapabilities, ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { geminiDoor } from "./doors.ts";

export const GEMINI_MODELS: readonly ModelRow[] = [
  { id: "gemini-3.1-pro-preview", aliases: ["gemini-3.1-pro"] },
  { id: "gemini-3.8-flash", aliases: [] },
  { id: "gemini-3.7-flash", aliases: [] },
  { id: "gemini-3.6-flash", aliases: [] },
  { id: "gemini-3.5-flash", aliases: [] },
  { id: "gemini-3.5-flash-lite", aliases: [] },
  { id: "gemini-3.1-flash-lite", aliases: [] },
  { id: "gemini-2.5-pro", aliases: [] },
  { id: "gemini-2.5-flash", aliases: [] },
  { id: "gemini-2.5-flash-lite", aliases: [] },
];

export const GEMINI_CAPABILITIES: ProviderCapabilities = {
  ...CHAT_HOST.can,
  documents: true,
  // Pictures are cut into tiles of 258 tokens, or cost up to 2,240 at the highest resolution.
  imageTokensMax: 10_000,
};

export const gemini = {
  ...CHAT_HOST,
  kind: "gemini",
  title: "Google Gemini API",
  baseUrl: "https://generativelanguage.googleapis.com",
  doors: [geminiDoor("/v1beta/models/{model}", null)],
  auth: [{ kind: "header", name: "x-goog-api-key", prefix: "" }],
  modelList: { path: "/v1beta/models", format: "gemini" },
  models: GEMINI_MODELS,
  families: ["gemini"],
  quirks: [],
  can: GEMINI_CAPABILITIES,
  priceSource: "https://ai.google.dev/gemini-api/docs/pricing",
  source:
    "https://ai.google.dev/api/generate-content, /api/tokens, /api/models; the most that a picture " +
    "costs is an estimate upwards",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
