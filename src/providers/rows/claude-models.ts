/** Claude's models as the clouds name them, by the names that clients ask for. */
import type { ModelRow } from "../row.ts";

/** The day in the dated ids of a model, for clouds that write it. */
const CLAUDE = [
  { name: "claude-fable-5-2", day: null },
  { name: "claude-fable-5-1", day: null },
  { name: "claude-fable-5", day: null },
  { name: "claude-opus-5-5", day: null },
  { name: "claude-opus-5", day: null },
  { name: "claude-opus-4-8", day: null },
  { name: "claude-opus-4-7", day: null },
  { name: "claude-opus-4-6", day: null },
  { name: "claude-opus-4-5", day: "20251101" },
  { name: "claude-sonnet-5-5", day: null },
  { name: "claude-sonnet-5", day: null },
  { name: "claude-sonnet-4-6", day: null },
  { name: "claude-sonnet-4-5", day: "20250929" },
  { name: "claude-haiku-5-5", day: null },
  { name: "claude-haiku-4-5", day: "20251001" },
] as const;

/** One row a model; `idOf` writes the id from the name and its day. */
function claudeModels(idOf: (name: string, day: string | null) => string): readonly ModelRow[] {
  return CLAUDE.map(({ name, day }) => ({ id: idOf(name, day), aliases: [name] }));
}

/** Global inference profiles: no regional premium. Opus 4.6 has a version without a date. */
export const BEDROCK_CLAUDE = claudeModels((name, day) => {
  if (name === "claude-opus-4-6") return `global.anthropic.${name}-v1`;
  return `global.anthropic.${name}${day === null ? "" : `-${day}-v1:0`}`;
});

export const VERTEX_CLAUDE = claudeModels((name, day) => (day === null ? name : `${name}@${day}`));

/** Deployments have the model's name unless the operator chose another. */
export const FOUNDRY_CLAUDE = claudeModels((name) => name);

/** "claude-opus-4-5" → "anthropic/claude-opus-4.5". */
export const OPENROUTER_CLAUDE = claudeModels(
  (name) => `anthropic/${name.replace(/-(\d+)-(\d+)$/, "-$1.$2")}`,
);

export const DATABRICKS_CLAUDE = claudeModels((name) => `databricks-${name}`);
