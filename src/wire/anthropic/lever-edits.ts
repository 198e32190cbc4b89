/** Edits of single nested values: the thinking budget and the effort. */
import type { ByteRange, MessagesBody } from "./body.ts";
import { memberOf } from "./elements.ts";
import { cutRange, type Edit } from "./splice.ts";
import { isObject, parseJson } from "./value.ts";

const BRACE = 0x7b;
/** A few fields; what is longer is none that the API knows, and is read no further. */
const OUTPUT_CONFIG_MAX_BYTES = 64 * 1024;

/** `output_config.effort` as asked for; null where there is none. */
export function effortOf(body: MessagesBody, chunks: readonly Buffer[]): string | null {
  const range = body.fields.output_config;
  if (range === undefined || range.end - range.start > OUTPUT_CONFIG_MAX_BYTES) return null;
  const config = parseJson(cutRange(chunks, range).toString("utf8"));
  const effort = isObject(config) ? config["effort"] : null;
  return typeof effort === "string" ? effort : null;
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
