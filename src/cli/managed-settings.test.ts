/** Levers become the settings by which Claude Code asks for what they leave. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PrintedLevers } from "../control/levers.ts";
import { managedSettings } from "./managed-settings.ts";

const NONE: PrintedLevers = {
  virtual_key: null,
  thinking_budget_max: null,
  effort_max: null,
  max_tokens: null,
  web_search_max_uses: null,
  cache_ttl: null,
  background_model: null,
  subagent_model: null,
  models: [],
  strip_betas: [],
  long_context: null,
  fast_mode: null,
  rules: [],
};
const at = { url: "https://gateway.example/", model: null };
const by = "team/platform";

test("without levers only the way to the gateway is set", () => {
  assert.deepEqual(managedSettings(NONE, at), {
    env: {
      ANTHROPIC_BASE_URL: "https://gateway.example/anthropic",
      CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
    },
  });
});

test("each lever becomes the setting that says the same", () => {
  const levers: PrintedLevers = {
    ...NONE,
    thinking_budget_max: { value: 4096, by },
    effort_max: { value: "medium", by },
    max_tokens: { value: 32_000, by },
    cache_ttl: { value: "5m", by },
    background_model: { value: "claude-haiku-5-5", by },
    subagent_model: { value: "claude-sonnet-5-5", by },
    models: [{ from: "claude-opus-*", to: "claude-sonnet-5-5", by }],
    long_context: { value: "refuse", by },
    fast_mode: { value: "strip", by },
  };
  assert.deepEqual(managedSettings(levers, { ...at, model: "sonnet" }), {
    model: "sonnet",
    maxEffortLevel: "medium",
    promptCacheTtl: "5m",
    subagentPromptCacheTtl: "5m",
    env: {
      ANTHROPIC_BASE_URL: "https://gateway.example/anthropic",
      CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
      ANTHROPIC_DEFAULT_OPUS_MODEL: "claude-sonnet-5-5",
      ANTHROPIC_DEFAULT_HAIKU_MODEL: "claude-haiku-5-5",
      CLAUDE_CODE_SUBAGENT_MODEL: "claude-sonnet-5-5",
      MAX_THINKING_TOKENS: "4096",
      CLAUDE_CODE_MAX_OUTPUT_TOKENS: "32000",
      CLAUDE_CODE_DISABLE_1M_CONTEXT: "1",
      CLAUDE_CODE_DISABLE_FAST_MODE: "1",
    },
  });
});

test("a life that is as asked is left to the client", () => {
  const settings = managedSettings({ ...NONE, cache_ttl: { value: "as_asked", by } }, at);
  assert.deepEqual(Object.keys(settings), ["env"]);
});
