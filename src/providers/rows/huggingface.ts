/** The Hugging Face router: many hosts behind one address. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { chatDoor, responsesDoor } from "./doors.ts";

export const huggingface = {
  ...CHAT_HOST,
  kind: "huggingface",
  title: "Hugging Face router",
  baseUrl: "https://router.huggingface.co",
  doors: [chatDoor("/v1/chat/completions"), responsesDoor("/v1/responses")],
  models: [
    { id: "deepseek-ai/DeepSeek-V4-Pro", aliases: ["deepseek-v4-pro"] },
    { id: "moonshotai/Kimi-K2.7-Code", aliases: ["kimi-k2.7-code"] },
    { id: "zai-org/GLM-5.2", aliases: ["glm-5.2"] },
    { id: "MiniMaxAI/MiniMax-M3", aliases: ["minimax-m3"] },
    { id: "Qwen/Qwen3-Coder-Next", aliases: ["qwen3-coder-next"] },
    { id: "openai/gpt-oss-120b", aliases: ["gpt-oss-120b"] },
  ],
  priceSource: "https://router.huggingface.co/v1/models",
  source:
    "https://huggingface.co/docs/inference-providers; the host that it picks sets the price: state it in the file where that must be exact",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
