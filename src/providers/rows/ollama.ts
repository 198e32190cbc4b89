/** Ollama: Anthropic's format, chat completions beside it. */
import type { ProviderRow } from "../row.ts";
import { OWN_MACHINE } from "./bases.ts";
import { chatDoor, messagesDoor, responsesDoor } from "./doors.ts";

export const ollama = {
  ...OWN_MACHINE,
  kind: "ollama",
  title: "Ollama",
  baseUrl: "http://localhost:11434",
  doors: [messagesDoor(""), chatDoor("/v1/chat/completions"), responsesDoor("/v1/responses")],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "reasoning-field",
    "no-image-urls",
    "no-parallel-tool-calls",
  ],
  source: "https://docs.ollama.com/api: Anthropic and OpenAI compatibility",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
