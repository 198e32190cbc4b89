/** Which of Claude Code's own settings say what levers would otherwise have to put right. */
import type { PrintedLevers } from "../control/levers.ts";
import { matchesGlob } from "../providers/glob.ts";

/** What Claude Code reads of `managed-settings.json`, as far as levers have a word in it. */
export interface ManagedSettings {
  readonly model?: string;
  readonly maxEffortLevel?: string;
  readonly promptCacheTtl?: "5m" | "1h";
  readonly subagentPromptCacheTtl?: "5m" | "1h";
  readonly env: Readonly<Record<string, string>>;
}

/** What each family's name stands for where nothing is said: what the client would ask for. */
const FAMILIES = {
  ANTHROPIC_DEFAULT_OPUS_MODEL: "claude-opus-5-5",
  ANTHROPIC_DEFAULT_SONNET_MODEL: "claude-sonnet-5-5",
  ANTHROPIC_DEFAULT_HAIKU_MODEL: "claude-haiku-5-5",
} as const;

/**
 * The settings that make the client ask for what the levers leave: then nothing has to be rewritten,
 * and the client shows what it gets. Names as in Claude Code's documentation of settings and
 * environment variables; no secret is among them.
 *
 * @param url The gateway's base URL for clients.
 */
export function managedSettings(
  levers: PrintedLevers,
  { url, model }: { readonly url: string; readonly model: string | null },
): ManagedSettings {
  const ttl = levers.cache_ttl?.value;
  return {
    ...(model === null ? {} : { model }),
    ...(levers.effort_max === null ? {} : { maxEffortLevel: levers.effort_max.value }),
    ...(ttl === undefined || ttl === "as_asked"
      ? {}
      : { promptCacheTtl: ttl, subagentPromptCacheTtl: ttl }),
    env: {
      ANTHROPIC_BASE_URL: `${url.replace(/\/+$/, "")}/anthropic`,
      // Without it the gateway has to guess what is a subagent's or a title's request.
      CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
      ...modelsOf(levers),
      ...limitsOf(levers),
    },
  };
}

function modelsOf(levers: PrintedLevers): Record<string, string> {
  const named: Record<string, string> = {};
  for (const [variable, usual] of Object.entries(FAMILIES)) {
    const step = levers.models.find(({ from }) => matchesGlob(from, usual));
    if (step !== undefined && step.to !== usual) named[variable] = step.to;
  }
  const { background_model: background, subagent_model: subagent } = levers;
  // Claude Code sends titles and summaries to what it calls its Haiku model.
  if (background !== null) named["ANTHROPIC_DEFAULT_HAIKU_MODEL"] = background.value;
  if (subagent !== null) named["CLAUDE_CODE_SUBAGENT_MODEL"] = subagent.value;
  return named;
}

function limitsOf(levers: PrintedLevers): Record<string, string> {
  const { thinking_budget_max: thinking, max_tokens: tokens, fast_mode: fast } = levers;
  return {
    ...(thinking === null ? {} : { MAX_THINKING_TOKENS: String(thinking.value) }),
    ...(tokens === null ? {} : { CLAUDE_CODE_MAX_OUTPUT_TOKENS: String(tokens.value) }),
    ...(levers.long_context === null ? {} : { CLAUDE_CODE_DISABLE_1M_CONTEXT: "1" }),
    ...(fast === null ? {} : { CLAUDE_CODE_DISABLE_FAST_MODE: "1" }),
  };
}
