/** Z.ai: GLM in Anthropic's format, chat completions beside it. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { chatDoor, messagesDoor } from "./doors.ts";

export const zai = {
  ...CHAT_HOST,
  kind: "zai",
  title: "Z.ai",
  baseUrl: "https://api.z.ai/api",
  doors: [messagesDoor("/anthropic"), chatDoor("/paas/v4/chat/completions")],
  modelList: null,
  models: [
    { id: "glm-5.3", aliases: [] },
    { id: "glm-5.3-flash", aliases: [] },
    { id: "glm-5.2", aliases: [] },
    { id: "glm-5.1", aliases: [] },
    { id: "glm-4.7", aliases: [] },
    { id: "glm-4.5-air", aliases: [] },
  ],
  families: ["glm"],
  quirks: [
    "max-tokens-legacy",
    "system-role",
    "tool-results-text",
    "no-documents",
    "reasoning-content",
    "thinking-switch",
    "no-reasoning-effort",
    "no-tool-choice-required",
    "no-json-schema",
    "no-parallel-tool-calls",
    "no-top-k",
    "no-images",
    "no-user",
  ],
  can: { ...CHAT_HOST.can, vision: false, structuredOutput: false },
  priceSource: "https://docs.z.ai/guides/overview/pricing",
  source:
    "https://docs.z.ai: Claude Code guide, chat completion; a list of models is not documented",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
