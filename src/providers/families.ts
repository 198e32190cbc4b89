/** Which vendor's models a plain name belongs to, so that nobody is asked for what he cannot have. */
import { matchesGlob } from "./glob.ts";

/** Open weights come first: "gpt-oss-120b" is none of OpenAI's own services. */
const FAMILIES = {
  open: ["gpt-oss*", "llama*", "meta-llama*", "qwen*", "gemma*", "nemotron*"],
  claude: ["claude-*"],
  gpt: ["gpt-*", "chatgpt-*", "codex-*", "o1*", "o3*", "o4-*"],
  gemini: ["gemini-*"],
  grok: ["grok-*"],
  deepseek: ["deepseek-*"],
  kimi: ["kimi-*", "moonshot-*"],
  glm: ["glm-*"],
  minimax: ["minimax-*"],
  mistral: ["mistral-*", "ministral-*", "codestral*", "devstral*", "magistral-*", "pixtral-*"],
  cohere: ["command-*"],
  sonar: ["sonar*"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Family = keyof typeof FAMILIES;

const ORDERED = Object.entries(FAMILIES) as [Family, readonly string[]][];

/** The family of a model's name, a vendor's prefix ("openai/…") aside; null where it says nothing. */
export function familyOf(model: string): Family | null {
  const plain = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  const found = ORDERED.find(([, globs]) => globs.some((glob) => matchesGlob(glob, plain)));
  return found?.[0] ?? null;
}
