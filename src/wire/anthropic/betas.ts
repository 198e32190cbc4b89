/** Which values of `anthropic-beta` every cloud knows that serves Claude in Anthropic's own format. */

/**
 * Any other makes one of them refuse the whole request ("Unexpected value(s) … for the anthropic-beta
 * header"). Source: public reports of what Vertex, Foundry and Bedrock accepted and refused, 2026-11.
 */
const KNOWN = new Set([
  "computer-use-2025-01-24",
  "computer-use-2025-11-24",
  "context-1m-2025-08-07",
  "context-management-2025-06-27",
  "interleaved-thinking-2025-05-14",
  "per-turn-control-2026-07-01",
]);

/** The values to send to such a cloud, in their order, and those that are left out. */
export function cloudBetas(betas: readonly string[]): {
  readonly sent: readonly string[];
  readonly left: readonly string[];
} {
  return {
    sent: betas.filter((beta) => KNOWN.has(beta)),
    left: betas.filter((beta) => !KNOWN.has(beta)),
  };
}
