/** Microsoft Foundry: Claude in Anthropic's format, by the names of deployments. */
import type { ProviderRow } from "../row.ts";
import { CLAUDE_CLOUD } from "./bases.ts";
import { FOUNDRY_CLAUDE } from "./claude-models.ts";
import { messagesDoor } from "./doors.ts";

export const azureFoundry = {
  ...CLAUDE_CLOUD,
  kind: "azure-foundry",
  title: "Claude in Microsoft Foundry",
  baseUrl: "https://{resource}.services.ai.azure.com/anthropic",
  // `location` says only that the deployments are in a data zone, which costs more.
  settings: ["resource", "location"],
  regionalPremium: { setting: "location", except: "global" },
  doors: [messagesDoor("", { counts: true })],
  auth: [
    { kind: "header", name: "api-key", prefix: "" },
    { kind: "azure-entra", scope: "https://ai.azure.com/.default" },
  ],
  modelList: null,
  models: FOUNDRY_CLAUDE,
  priceSource: "https://platform.claude.com/docs/en/about-claude/pricing",
  source:
    "https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry; the vendor's " +
    "SDK for the scope; counting tokens not checked",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
