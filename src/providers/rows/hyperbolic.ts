/** Hyperbolic. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";

export const hyperbolic = {
  ...CHAT_HOST,
  kind: "hyperbolic",
  title: "Hyperbolic",
  baseUrl: "https://api.hyperbolic.xyz",
  priceSource: null,
  source: "https://docs.hyperbolic.xyz; its models and prices were not checked: they are assumed",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
