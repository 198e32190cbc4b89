/** llama.cpp's server: Anthropic's format, chat completions beside it. */
import type { ProviderRow } from "../row.ts";
import { OWN_MACHINE } from "./bases.ts";
import { chatDoor, messagesDoor } from "./doors.ts";

export const llamaCpp = {
  ...OWN_MACHINE,
  kind: "llama-cpp",
  title: "llama.cpp",
  baseUrl: "http://localhost:8080",
  doors: [messagesDoor("", { counts: true }), chatDoor("/v1/chat/completions")],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "reasoning-content",
  ],
  source: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
