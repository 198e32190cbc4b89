/** Amazon Bedrock: Claude by its native path or InvokeModel, every model by Converse. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST, CLAUDE_CLOUD } from "./bases.ts";
import { BEDROCK_CLAUDE } from "./claude-models.ts";
import { BEARER, converseDoor, invokeDoor, messagesDoor } from "./doors.ts";

/** Models that came with Anthropic's own format; those before them are documented for InvokeModel. */
const NATIVE_IDS = [
  "*anthropic.claude-fable-*",
  "*anthropic.claude-mythos-*",
  "*anthropic.claude-opus-4-7*",
  "*anthropic.claude-opus-4-8*",
  "*anthropic.claude-opus-5*",
  "*anthropic.claude-sonnet-5*",
  "*anthropic.claude-haiku-5*",
];
const CLAUDE_IDS = ["anthropic.claude-*", "*.anthropic.claude-*", "*/anthropic.claude-*"];

export const bedrock = {
  ...CLAUDE_CLOUD,
  kind: "bedrock",
  title: "Amazon Bedrock",
  baseUrl: "https://bedrock-runtime.{region}.amazonaws.com",
  settings: ["region"],
  doors: [
    messagesDoor("/anthropic", { models: NATIVE_IDS }),
    invokeDoor(CLAUDE_IDS),
    converseDoor(null),
  ],
  auth: [{ kind: "aws-sigv4", service: "bedrock" }, BEARER],
  // ListFoundationModels is at another host.
  modelList: null,
  models: [
    ...BEDROCK_CLAUDE,
    { id: "global.amazon.nova-2-lite-v1:0", aliases: ["nova-2-lite"] },
    { id: "amazon.nova-pro-v1:0", aliases: ["nova-pro"] },
    { id: "amazon.nova-lite-v1:0", aliases: ["nova-lite"] },
    { id: "amazon.nova-micro-v1:0", aliases: ["nova-micro"] },
    { id: "openai.gpt-oss-120b-1:0", aliases: ["gpt-oss-120b"] },
    { id: "qwen.qwen3-coder-480b-a35b-v1:0", aliases: ["qwen3-coder-480b"] },
    { id: "mistral.mistral-large-3-675b-instruct", aliases: ["mistral-large-2512"] },
  ],
  families: ["claude", ...CHAT_HOST.families],
  can: { ...CLAUDE_CLOUD.can, imageTokensMax: CHAT_HOST.can.imageTokensMax },
  priceSource: "https://aws.amazon.com/bedrock/pricing/",
  source:
    "https://docs.aws.amazon.com/bedrock/latest/userguide/inference-messages-api.html; " +
    "https://platform.claude.com/docs/en/build-with-claude/claude-on-amazon-bedrock-legacy; API reference of " +
    "InvokeModel and Converse; ids of Claude from 4.7 on by the pattern of the listed ones",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
