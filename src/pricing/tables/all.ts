/** All price lists of providers other than Anthropic, by the kinds that charge by them. */
import { BEDROCK_PRICES } from "./bedrock.ts";
import { CEREBRAS_PRICES } from "./cerebras.ts";
import { COHERE_PRICES } from "./cohere.ts";
import { DATABRICKS_PRICES } from "./databricks.ts";
import { DEEPINFRA_PRICES } from "./deepinfra.ts";
import { DEEPSEEK_PRICES } from "./deepseek.ts";
import { FIREWORKS_PRICES } from "./fireworks.ts";
import { GOOGLE_PRICES } from "./google.ts";
import { GROQ_PRICES } from "./groq.ts";
import { HUGGINGFACE_PRICES } from "./huggingface.ts";
import { MINIMAX_PRICES } from "./minimax.ts";
import { MISTRAL_PRICES } from "./mistral.ts";
import { MOONSHOT_PRICES } from "./moonshot.ts";
import { NEBIUS_PRICES } from "./nebius.ts";
import { OPENAI_PRICES } from "./openai.ts";
import { OPENROUTER_PRICES } from "./openrouter.ts";
import { PERPLEXITY_PRICES } from "./perplexity.ts";
import { SAMBANOVA_PRICES } from "./sambanova.ts";
import { TOGETHER_PRICES } from "./together.ts";
import { XAI_PRICES } from "./xai.ts";
import { ZAI_PRICES } from "./zai.ts";
import type { ProviderTable } from "./provider-table.ts";

export const PROVIDER_TABLES: readonly ProviderTable[] = [
  BEDROCK_PRICES,
  CEREBRAS_PRICES,
  COHERE_PRICES,
  DATABRICKS_PRICES,
  DEEPINFRA_PRICES,
  DEEPSEEK_PRICES,
  FIREWORKS_PRICES,
  GOOGLE_PRICES,
  GROQ_PRICES,
  HUGGINGFACE_PRICES,
  MINIMAX_PRICES,
  MISTRAL_PRICES,
  MOONSHOT_PRICES,
  NEBIUS_PRICES,
  OPENAI_PRICES,
  OPENROUTER_PRICES,
  PERPLEXITY_PRICES,
  SAMBANOVA_PRICES,
  TOGETHER_PRICES,
  XAI_PRICES,
  ZAI_PRICES,
];
