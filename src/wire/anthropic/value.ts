/** Small values of a body, decoded one at a time; whatever is large or odd reads as null. */
import type { ScanView } from "../scanner.ts";
import type { ByteRange } from "./body.ts";

/** `metadata` is a few hundred bytes; a session id hidden in more is not looked for. */
const METADATA_MAX_BYTES = 16 * 1024;
const THINKING_MAX_BYTES = 1024;
const STRING_MAX_BYTES = 4096;
const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** The JSON value of a range; undefined where it is missing, longer than `maxBytes`, or no JSON. */
export function parseRange(view: ScanView, range: ByteRange | null, maxBytes: number): unknown {
  if (range === null || range.end - range.start > maxBytes) return undefined;
  return parseJson(view.utf8(range.start, range.end));
}

/** The value of a JSON text; undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Nested values are the upstream's to refuse; here they only go unread.
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A string value, decoded; null where it is missing, no string, or longer than 4 kB. */
export function stringOf(view: ScanView, range: ByteRange | null): string | null {
  if (range === null || range.end - range.start > STRING_MAX_BYTES) return null;
  const text = view.utf8(range.start, range.end);
  if (!text.startsWith('"')) return null;
  if (!text.includes("\\")) return text.slice(1, -1);
  const value = parseJson(text);
  return typeof value === "string" ? value : null;
}

/** A non-negative integer, however it is spelled ("1e3"); null where it is missing or none. */
export function countOf(view: ScanView, range: ByteRange | null): number | null {
  if (range === null || range.end - range.start > STRING_MAX_BYTES) return null;
  const first = view.byte(range.start);
  if (first !== MINUS && (first < DIGIT_0 || first > DIGIT_9)) return null;
  const value = Number(view.latin1(range.start, range.end));
  // A minus zero is a zero.
  return Number.isSafeInteger(value) && value >= 0 ? Math.abs(value) : null;
}

/** `thinking.budget_tokens`; null where there is none. */
export function thinkingBudgetOf(view: ScanView, range: ByteRange | null): number | null {
  if (range === null || range.end - range.start > THINKING_MAX_BYTES) return null;
  const text = view.utf8(range.start, range.end);
  // Most bodies ask for adaptive thinking: nothing to parse.
  if (!text.includes("budget_tokens") && !text.includes("\\")) return null;
  const thinking = parseJson(text);
  const budget = isObject(thinking) ? thinking["budget_tokens"] : null;
  return typeof budget === "number" && Number.isSafeInteger(budget) && budget >= 0 ? budget : null;
}

/** `session_id` inside `metadata.user_id`, itself a JSON text; null where there is none. */
export function sessionIdOf(view: ScanView, range: ByteRange | null): string | null {
  const metadata = parseRange(view, range, METADATA_MAX_BYTES);
  const userId = isObject(metadata) ? metadata["user_id"] : null;
  if (typeof userId !== "string" || !userId.startsWith("{")) return null;
  const user = parseJson(userId);
  const sessionId = isObject(user) ? user["session_id"] : null;
  return typeof sessionId === "string" && sessionId !== "" ? sessionId : null;
}
