/** DeepInfra. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { chatDoor } from "./doors.ts";

export const deepinfra = {
  ...CHAT_HOST,
  kind: "deepinfra",
  title: "DeepInfra",
  baseUrl: "https://api.deepinfra.com",
  doors: [chatDoor("/v1/openai/chat/completions")],
  modelList: { path: "/v1/openai/models", format: "openai" },
  models: [
    { id: "deepseek-ai/DeepSeek-V4-Pro", aliases: ["deepseek-v4-pro"] },
    { id: "deepseek-ai/DeepSeek-V4-Flash", aliases: ["deepseek-v4-flash"] },
    { id: "moonshotai/Kimi-K2.7-Code", aliases: ["kimi-k2.7-code"] },
    { id: "zai-org/GLM-5.2", aliases: ["glm-5.2"] },
    { id: "MiniMaxAI/MiniMax-M2.5", aliases: ["minimax-m2.5"] },
    { id: "Qwen/Qwen3.5-397B-A17B", aliases: ["qwen3.5-397b"] },
    { id: "openai/gpt-oss-120b", aliases: ["gpt-oss-120b"] },
  ],
  priceSource: "https://deepinfra.com/pricing",
  source: "https://deepinfra.com/docs/openai_api; prices by an independent list of July 2026",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
