/** Claude Platform on AWS: Anthropic's own API behind AWS's sign-in and bill. */
import type { ProviderRow } from "../row.ts";
import { anthropic } from "./anthropic.ts";

export const claudePlatformAws = {
  ...anthropic,
  kind: "claude-platform-aws",
  title: "Claude Platform on AWS",
  baseUrl: "https://aws-external-anthropic.{region}.api.aws",
  settings: ["region", "workspace"],
  doors: [{ ...anthropic.doors[0], headers: { "anthropic-workspace-id": "{workspace}" } }],
  auth: [
    { kind: "aws-sigv4", service: "aws-external-anthropic" },
    { kind: "header", name: "x-api-key", prefix: "" },
  ],
  source:
    "https://docs.aws.amazon.com/claude-platform/latest/userguide/making-requests.html; " +
    "model list and counting as at Anthropic, not checked apart",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
