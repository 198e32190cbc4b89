/** Groq. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { chatDoor, responsesDoor } from "./doors.ts";

export const groq = {
  ...CHAT_HOST,
  kind: "groq",
  title: "Groq",
  baseUrl: "https://api.groq.com/openai",
  doors: [chatDoor("/v1/chat/completions"), responsesDoor("/v1/responses")],
  models: [
    { id: "openai/gpt-oss-120b", aliases: ["gpt-oss-120b"] },
    { id: "openai/gpt-oss-20b", aliases: ["gpt-oss-20b"] },
    { id: "qwen/qwen3-32b", aliases: ["qwen3-32b"] },
    { id: "llama-3.3-70b-versatile", aliases: [] },
  ],
  quirks: [
    "system-role",
    "reasoning-field",
    "usage-in-x-groq",
    "four-stops",
    "no-top-k",
    "tool-results-text",
    "no-documents",
  ],
  billing: { ...CHAT_HOST.billing, outputTokensPerSecondMax: 4_000 },
  priceSource: "https://groq.com/pricing",
  source: "https://console.groq.com/docs: api-reference, reasoning, models, responses-api",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
