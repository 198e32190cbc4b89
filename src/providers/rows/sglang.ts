/** SGLang: Anthropic's format, chat completions beside it. */
import type { ProviderRow } from "../row.ts";
import { OWN_MACHINE } from "./bases.ts";
import { chatDoor, messagesDoor } from "./doors.ts";

export const sglang = {
  ...OWN_MACHINE,
  kind: "sglang",
  title: "SGLang",
  baseUrl: "http://localhost:30000",
  doors: [messagesDoor("", { counts: true }), chatDoor("/v1/chat/completions")],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "reasoning-content",
  ],
  source: "https://docs.sglang.ai: OpenAI and Anthropic APIs",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
