/** Parasail. */
import type { ProviderRow } from "../row.ts";
import { CHAT_HOST } from "./bases.ts";

export const parasail = {
  ...CHAT_HOST,
  kind: "parasail",
  title: "Parasail",
  baseUrl: "https://api.parasail.io",
  priceSource: null,
  source: "https://docs.parasail.io; its models and prices were not checked: they are assumed",
  checkedOn: "2026-11-23",
} as const satisfies ProviderRow;
