/** What a Gemini model's name tells of how it is asked. */

/** How one model takes thinking and media. */
export interface ModelTraits {
  /**
   * `level`: `thinkingLevel` (3.x). `budget`: `thinkingBudget` (2.5). `none`: thinks not at all.
   * A name without a number ("gemini-flash-latest") is of the newest.
   */
  readonly thinking: "level" | "budget" | "none";
  /** Tokens that a `thinkingBudget` may have; `least` 0: thinking can be switched off. */
  readonly budget: { readonly least: number; readonly most: number };
  /** Knows `MEDIUM` among its levels. */
  readonly knowsMedium: boolean;
  /** Wants a `thoughtSignature` on the first function call of each step, or answers 400. */
  readonly wantsSignatures: boolean;
  /** Takes pictures and files inside a function response, not only beside it. */
  readonly nestsMedia: boolean;
  /** Takes functions and an answer of type JSON in one request. */
  readonly mixesToolsAndSchema: boolean;
}

const NO_BUDGET = { least: 0, most: 0 };

/**
 * The traits of a model by its name, with or without "models/" and publisher paths before it.
 * Source: ai.google.dev/gemini-api/docs/{thinking,thought-signatures,function-calling} and
 * docs.cloud.google.com/vertex-ai/generative-ai/docs/thinking, compared 2026-11-23.
 */
export function traitsOf(model: string): ModelTraits {
  const name = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  const version = /^gemini-(\d+)(?:\.(\d+))?/.exec(name);
  const isNewest = version === null ? name.startsWith("gemini-") : Number(version[1]) >= 3;
  if (isNewest)
    return {
      thinking: "level",
      budget: NO_BUDGET,
      knowsMedium: !name.startsWith("gemini-3-pro"),
      wantsSignatures: true,
      nestsMedia: true,
      mixesToolsAndSchema: true,
    };
  const thinks = version !== null && version[1] === "2" && Number(version[2] ?? 0) >= 5;
  return {
    thinking: thinks ? "budget" : "none",
    budget: thinks ? budgetOf(name) : NO_BUDGET,
    knowsMedium: false,
    wantsSignatures: false,
    nestsMedia: false,
    mixesToolsAndSchema: false,
  };
}

function budgetOf(name: string): ModelTraits["budget"] {
  if (name.includes("pro")) return { least: 128, most: 32_768 };
  return { least: 0, most: 24_576 };
}
