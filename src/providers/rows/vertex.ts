/** Google Vertex: Claude by rawPredict, Gemini by generateContent. */
import type { ProviderRow } from "../row.ts";
import { CLAUDE_CLOUD } from "./bases.ts";
import { VERTEX_CLAUDE } from "./claude-models.ts";
import { geminiDoor } from "./doors.ts";
import { GEMINI_CAPABILITIES, GEMINI_MODELS } from "./gemini.ts";

const PUBLISHERS = "/v1/projects/{project}/locations/{location}/publishers";

export const vertex = {
  ...CLAUDE_CLOUD,
  kind: "vertex",
  title: "Google Vertex AI",
  baseUrl: "https://{location}-aiplatform.googleapis.com",
  settings: ["project", "location"],
  baseUrlCases: [
    { setting: "location", value: "global", baseUrl: "https://aiplatform.googleapis.com" },
    { setting: "location", value: "us", baseUrl: "https://aiplatform.us.rep.googleapis.com" },
    { setting: "location", value: "eu", baseUrl: "https://aiplatform.eu.rep.googleapis.com" },
  ],
  regionalPremium: { setting: "location", except: "global" },
  doors: [
    {
      id: "anthropic",
      format: "vertex-anthropic",
      paths: {
        message: `${PUBLISHERS}/anthropic/models/{model}:rawPredict`,
        stream: `${PUBLISHERS}/anthropic/models/{model}:streamRawPredict`,
        countTokens: `${PUBLISHERS}/anthropic/models/count-tokens:rawPredict`,
      },
      models: ["claude-*"],
      headers: {},
      sendsPings: false,
    },
    geminiDoor(`${PUBLISHERS}/google/models/{model}`, ["gemini-*"]),
  ],
  auth: [{ kind: "google-oauth", scope: "https://www.googleapis.com/auth/cloud-platform" }],
  modelList: null,
  models: [...VERTEX_CLAUDE, ...GEMINI_MODELS],
  families: ["claude", "gemini"],
  can: { ...CLAUDE_CLOUD.can, imageTokensMax: GEMINI_CAPABILITIES.imageTokensMax },
  priceSource: "https://cloud.google.com/vertex-ai/generative-ai/pricing",
  source:
    "https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai; Vertex AI reference of " +
    "rawPredict and generateContent; ids of Claude from 4.7 on by the pattern of the listed ones",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
