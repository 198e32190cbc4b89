/** Whether a session of a key can have been served in more than one dialect. */
import type { Plan } from "../policy/plan.ts";
import { rowOf } from "../providers/catalogue.ts";
import { familyOf } from "../providers/families.ts";
import type { WireFormat } from "../providers/row.ts";
import type { Target } from "./candidates.ts";

/** Formats in which Anthropic's models answer with thinking as Anthropic signed it. */
const NATIVE: ReadonlySet<WireFormat> = new Set([
  "anthropic-messages",
  "vertex-anthropic",
  "bedrock-invoke",
]);

const remembered = new WeakMap<Plan, boolean>();

/** False where every door of the key's providers is one of Anthropic's own formats. */
export function mixesDialects(plan: Plan): boolean {
  const known = remembered.get(plan);
  if (known !== undefined) return known;
  const mixes = plan.providers.some(({ provider }) => {
    const doors = rowOf(provider.kind)?.doors ?? [];
    return doors.some(
      ({ id, format }) => (provider.door === null || provider.door === id) && !NATIVE.has(format),
    );
  });
  remembered.set(plan, mixes);
  return mixes;
}

/**
 * Whether the target is Anthropic's own model, which reads its own signatures only. Others behind the same
 * format do not mind, and some want their unsigned thinking back.
 */
export function servesClaude({ row, model }: Pick<Target, "row" | "model">): boolean {
  const family = familyOf(model);
  if (family !== null) return family === "claude";
  // A deployment's own name says nothing; its provider does.
  return /claude|anthropic/i.test(model) || row.families?.includes("claude") === true;
}
