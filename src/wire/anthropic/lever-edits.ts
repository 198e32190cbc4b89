/** Edits of single nested values: the thinking budget and the effort. */
import type { ByteRange, MessagesBody } from "./body.ts";
import { memberOf } from "./elements.ts";
import { cutRange, type Edit } from "./splice.ts";
import { isObject, parseJson } from "./value.ts";

const BRACE = 0x7b;

/** `output_config.effort` as asked for; null where there is none. */
export function effortOf(body: MessagesBody, chunks: readonly Buffer[]): string | null {
  const effort = memberValue(chunks, body.fields.output_config, "effort");
  return typeof effort === "string" ? effort : null;
}

/** `thinking.budget_tokens` as asked for, however far apart its parts are; null where there is none. */
export function thinkingBudgetIn(body: MessagesBody, chunks: readonly Buffer[]): number | null {
  if (body.thinkingBudgetTokens !== null) return body.thinkingBudgetTokens;
  const budget = memberValue(chunks, body.fields.thinking, "budget_tokens");
  return typeof budget === "number" ? budget : null;
}

function memberValue(
  chunks: readonly Buffer[],
  range: ByteRange | undefined,
  name: string,
): unknown {
  if (range === undefined) return null;
  const value = parseJson(cutRange(chunks, range).toString("utf8"));
  return isObject(value) ? value[name] : null;
}

/** Sets `output_config.effort`; null where the body asks for none. */
export function editEffort(
  body: MessagesBody,
  chunks: readonly Buffer[],
  effort: string,
): Edit | null {
  return editMember(chunks, body.fields.output_config, { name: "effort", to: `"${effort}"` });
}

/** Sets `thinking.budget_tokens`; null where the body has none. */
export function editThinkingBudget(
  body: MessagesBody,
  chunks: readonly Buffer[],
  tokens: number,
): Edit | null {
  return editMember(chunks, body.fields.thinking, { name: "budget_tokens", to: String(tokens) });
}

/** `range` holds JSON that was parsed before. */
function editMember(
  chunks: readonly Buffer[],
  range: ByteRange | undefined,
  { name, to }: { readonly name: string; readonly to: string },
): Edit | null {
  if (range === undefined) return null;
  const bytes = cutRange(chunks, range);
  if (bytes[0] !== BRACE) return null;
  const value = memberOf(bytes, { start: 0, end: bytes.length }, name);
  return value === null
    ? null
    : { start: range.start + value.start, end: range.start + value.end, text: to };
}
