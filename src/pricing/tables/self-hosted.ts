/** Kinds that are the operator's own machines: nobody charges for them. */

export const SELF_HOSTED_KINDS: ReadonlySet<string> = new Set([
  "ollama",
  "vllm",
  "sglang",
  "lm-studio",
  "llama-cpp",
]);
