/** The embedded provider: a scripted model in Anthropic's format, for a first try without any account. */
import type { ProviderRow } from "../row.ts";
import { anthropic } from "./anthropic.ts";

export const rehearsal = {
  ...anthropic,
  kind: "rehearsal",
  title: "Rehearsal (embedded, no real model)",
  // Never resolved: the embedded client answers whatever the host. `.invalid` makes sure of it.
  baseUrl: "http://rehearsal.invalid",
  transport: "embedded",
  auth: [{ kind: "none" }],
  families: null,
  priceSource: null,
  source: "src/providers/rehearsal",
} as const satisfies ProviderRow;
