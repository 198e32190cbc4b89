/** All providers that the product knows, by the word that the configuration uses for them. */
import type { ProviderRow } from "./row.ts";
import { anthropic } from "./rows/anthropic.ts";
import { azureFoundry } from "./rows/azure-foundry.ts";
import { azureOpenai } from "./rows/azure-openai.ts";
import { bedrock } from "./rows/bedrock.ts";
import { cerebras } from "./rows/cerebras.ts";
import { claudePlatformAws } from "./rows/claude-platform-aws.ts";
import { cohere } from "./rows/cohere.ts";
import { custom } from "./rows/custom.ts";
import { databricks } from "./rows/databricks.ts";
import { deepinfra } from "./rows/deepinfra.ts";
import { deepseek } from "./rows/deepseek.ts";
import { fireworks } from "./rows/fireworks.ts";
import { gemini } from "./rows/gemini.ts";
import { groq } from "./rows/groq.ts";
import { huggingface } from "./rows/huggingface.ts";
import { hyperbolic } from "./rows/hyperbolic.ts";
import { llamaCpp } from "./rows/llama-cpp.ts";
import { lmStudio } from "./rows/lm-studio.ts";
import { minimax } from "./rows/minimax.ts";
import { mistral } from "./rows/mistral.ts";
import { moonshot } from "./rows/moonshot.ts";
import { nebius } from "./rows/nebius.ts";
import { nvidiaNim } from "./rows/nvidia-nim.ts";
import { ollama } from "./rows/ollama.ts";
import { openai } from "./rows/openai.ts";
import { openrouter } from "./rows/openrouter.ts";
import { parasail } from "./rows/parasail.ts";
import { perplexity } from "./rows/perplexity.ts";
import { rehearsal } from "./rows/rehearsal.ts";
import { sambanova } from "./rows/sambanova.ts";
import { sglang } from "./rows/sglang.ts";
import { together } from "./rows/together.ts";
import { vertex } from "./rows/vertex.ts";
import { vllm } from "./rows/vllm.ts";
import { xai } from "./rows/xai.ts";
import { zai } from "./rows/zai.ts";

/** In the order in which `tollgate providers` lists them. */
const LISTED: readonly ProviderRow[] = [
  anthropic,
  claudePlatformAws,
  bedrock,
  vertex,
  azureFoundry,
  azureOpenai,
  openai,
  gemini,
  deepseek,
  moonshot,
  zai,
  minimax,
  mistral,
  groq,
  cerebras,
  xai,
  together,
  fireworks,
  openrouter,
  perplexity,
  cohere,
  nebius,
  huggingface,
  nvidiaNim,
  sambanova,
  deepinfra,
  databricks,
  hyperbolic,
  parasail,
  ollama,
  vllm,
  sglang,
  lmStudio,
  llamaCpp,
  custom,
  rehearsal,
];

const ROWS: ReadonlyMap<string, ProviderRow> = new Map(LISTED.map((row) => [row.kind, row]));

/** Every kind, in the order in which `tollgate providers` lists them. */
export function providerKinds(): string[] {
  return [...ROWS.keys()];
}

/** The row of a kind; null where the catalogue has none. */
export function rowOf(kind: string): ProviderRow | null {
  return ROWS.get(kind) ?? null;
}
