/** MiniMax: Anthropic's format, chat completions beside it. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { chatDoor, messagesDoor } from "./doors.ts";

export const minimax = {
  ...CHAT_HOST,
  kind: "minimax",
  title: "MiniMax",
  baseUrl: "https://api.minimax.io",
  doors: [messagesDoor("/anthropic"), chatDoor("/v1/chat/completions")],
  models: [
    { id: "MiniMax-M3", aliases: ["minimax-m3"] },
    { id: "MiniMax-M2.7", aliases: ["minimax-m2.7"] },
    { id: "MiniMax-M2.7-highspeed", aliases: ["minimax-m2.7-highspeed"] },
    { id: "MiniMax-M2", aliases: ["minimax-m2"] },
  ],
  families: ["minimax"],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "reasoning-content",
    "reasoning-returned",
    "no-reasoning-effort",
    "no-json-schema",
    "no-parallel-tool-calls",
    "no-top-k",
    "no-images",
  ],
  can: { ...CHAT_HOST.can, vision: false, structuredOutput: false, caching: "explicit" },
  priceSource: "https://platform.minimax.io/docs/guides/pricing-paygo",
  source:
    "https://platform.minimax.io/docs: Anthropic API, OpenAI API; the list of models not checked",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
