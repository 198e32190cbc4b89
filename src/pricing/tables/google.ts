/** List prices of Google's Gemini models, at the Gemini API and on Vertex. */
import { list, type ProviderTable } from "./provider-table.ts";

export const GOOGLE_PRICES: ProviderTable = {
  kinds: ["gemini", "vertex"],
  source: "https://ai.google.dev/gemini-api/docs/pricing",
  checkedOn: "2026-11-20",
  rows: [
    {
      model: "gemini-3.1-pro-preview",
      prices: list("2", "12", { read: "0.2" }),
      longContext: { aboveTokens: 200_000, prices: list("4", "18", { read: "0.4" }) },
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-3-pro-preview",
      prices: list("2", "12", { read: "0.2" }),
      longContext: { aboveTokens: 200_000, prices: list("4", "18", { read: "0.4" }) },
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-3.8-flash",
      from: "2026-01-01",
      prices: list("0.75", "3.75", { read: "0.075" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-3.8-flash",
      from: "2027-01-01",
      prices: list("1.5", "7.5", { read: "0.15" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-3.7-flash",
      from: "2026-01-01",
      prices: list("0.75", "3.75", { read: "0.075" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-3.7-flash",
      from: "2027-01-01",
      prices: list("1.5", "7.5", { read: "0.15" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-3.6-flash",
      from: "2026-01-01",
      prices: list("0.75", "3.75", { read: "0.075" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-3.6-flash",
      from: "2027-01-01",
      prices: list("1.5", "7.5", { read: "0.15" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-3.5-flash",
      prices: list("1.5", "9", { read: "0.15" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-3.5-flash-lite",
      prices: list("0.3", "2.5", { read: "0.03" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-3.1-flash-lite",
      prices: list("0.25", "1.5", { read: "0.025" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-3-flash-preview",
      prices: list("0.5", "3", { read: "0.05" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-2.5-pro",
      prices: list("1.25", "10", { read: "0.125" }),
      longContext: { aboveTokens: 200_000, prices: list("2.5", "15", { read: "0.25" }) },
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-2.5-flash",
      prices: list("0.3", "2.5", { read: "0.03" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
    {
      model: "gemini-2.5-flash-lite",
      prices: list("0.1", "0.4", { read: "0.01" }),
      contextWindowTokens: 1_048_576,
      maxOutputTokens: 65_536,
    },
  ],
};
