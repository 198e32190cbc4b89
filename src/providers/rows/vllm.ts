/** vLLM: Anthropic's format, chat completions and Responses beside it. */
import type { ProviderRow } from "../row.ts";
import { OWN_MACHINE } from "./bases.ts";
import { chatDoor, messagesDoor, responsesDoor } from "./doors.ts";

export const vllm = {
  ...OWN_MACHINE,
  kind: "vllm",
  title: "vLLM",
  baseUrl: "http://localhost:8000",
  doors: [
    messagesDoor("", { counts: true }),
    chatDoor("/v1/chat/completions"),
    responsesDoor("/v1/responses"),
  ],
  quirks: ["system-role", "reasoning-field", "tool-results-text", "no-documents"],
  source: "https://docs.vllm.ai: OpenAI-compatible server, Claude Code",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
