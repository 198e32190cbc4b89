/** Azure OpenAI: OpenAI's formats by the names of deployments. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";
import { chatDoor, responsesDoor } from "./doors.ts";
import { openai } from "./openai.ts";

export const azureOpenai = {
  ...openai,
  kind: "azure-openai",
  title: "Azure OpenAI",
  baseUrl: "https://{resource}.openai.azure.com",
  // `location` says only that the deployments are in a data zone, which costs more.
  settings: ["resource", "api_version", "location"],
  regionalPremium: { setting: "location", except: "global" },
  doors: [
    responsesDoor("/openai/v1/responses"),
    chatDoor("/openai/v1/chat/completions"),
    // The older interface, with the deployment in the path: only where the file asks for it.
    {
      ...chatDoor(
        "/openai/deployments/{model}/chat/completions?api-version={api_version}",
        "deployment",
      ),
      models: [],
    },
  ],
  auth: [
    { kind: "header", name: "api-key", prefix: "" },
    { kind: "azure-entra", scope: "https://cognitiveservices.azure.com/.default" },
  ],
  modelList: { path: "/openai/v1/models", format: "openai" },
  families: ["gpt", "grok", ...CHAT_HOST.families],
  priceSource: "https://azure.microsoft.com/pricing/details/azure-openai/",
  source:
    "https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle; prices are OpenAI's " +
    "list, which global deployments share: state those of deployments with other names in the file",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
