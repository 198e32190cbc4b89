/** What two bodies of one session have in common: the part that stays when cache markers move on. */
import { createHash } from "node:crypto";
import type { FieldName, MessagesBody } from "./body.ts";
import { isObject, parseJson } from "./value.ts";

/** All else behind the messages may shape the prompt, known to us or not: a change voids what was learnt. */
const NOT_SHAPING: readonly FieldName[] = ["max_tokens", "stream"];
const MARKER = '"cache_control"';
/** Cannot stand inside a JSON string: there its quotes would be escaped. */
const MESSAGE_START = '{"role":';
const CONTEXT_MANAGEMENT_BYTES_MAX = 4096;
/** Blocks that stand for far more than their bytes: a picture, or the definition of a deferred tool. */
const EXPANDING = ['"image"', '"tool_reference"', '"tool_addition"'];

/** A body's bytes in one piece, and what the scan found in them. */
export interface WholeBody {
  readonly bytes: Buffer;
  readonly body: MessagesBody;
}

/** A prefix that the next turn of a session may repeat. */
export interface StablePrefix {
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly hash: string;
}

/**
 * The bytes up to the first message that a cache marker stands in: a client takes that marker away in the
 * next turn, and what is before it is sent again as it is. Null where the body has no plain messages.
 */
export function stablePrefix(whole: WholeBody): StablePrefix | null {
  const range = whole.body.fields.messages;
  if (range === undefined) return null;
  const marker = whole.bytes.indexOf(MARKER, range.start);
  const isMarked = marker >= 0 && marker < range.end;
  // Without a marker the next turn goes on behind the last message, before the closing bracket.
  const end = isMarked ? whole.bytes.lastIndexOf(MESSAGE_START, marker) : range.end - 1;
  return end <= range.start ? null : { bytes: end, hash: hashOf(whole, end) };
}

/** Whether the body begins with the prefix, byte for byte. */
export function beginsWith(whole: WholeBody, prefix: StablePrefix): boolean {
  const range = whole.body.fields.messages;
  if (range === undefined || prefix.bytes <= range.start || prefix.bytes >= range.end) return false;
  return hashOf(whole, prefix.bytes) === prefix.hash;
}

function hashOf(whole: WholeBody, bytes: number): string {
  return createHash("sha256").update(whole.bytes.subarray(0, bytes)).digest("hex");
}

/** What the messages hold behind a prefix, for a bound of their tokens. */
export interface Appended {
  readonly asciiBytes: number;
  readonly nonAsciiBytes: number;
  readonly unicodeEscapes: number;
  /** Messages and content blocks; never fewer. */
  readonly blocks: number;
  /** Something whose tokens its bytes do not tell may be among them. */
  readonly expands: boolean;
}

/** Counts the messages' bytes from `fromByte` on. */
export function appendedSince(whole: WholeBody, fromByte: number): Appended {
  const end = whole.body.fields.messages?.end ?? fromByte;
  const part = whole.bytes.subarray(fromByte, end);
  let nonAsciiBytes = 0;
  for (const byte of part) if (byte > 0x7f) nonAsciiBytes++;
  return {
    asciiBytes: part.length - nonAsciiBytes,
    nonAsciiBytes,
    unicodeEscapes: occurrences(part, "\\u"),
    blocks: occurrences(part, '"type"') + occurrences(part, '"role"'),
    expands: EXPANDING.some((type) => part.includes(type)),
  };
}

function occurrences(bytes: Buffer, text: string): number {
  let count = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) count++;
  return count;
}

/**
 * Names all that shapes the prompt behind the messages; what is before them is part of the prefix. Null
 * where the provider may edit the context, for then the tokens of one turn say nothing about the next.
 *
 * @param betas The request's `anthropic-beta`.
 */
export function shapeOf(whole: WholeBody, betas: string): string | null {
  const { bytes, body } = whole;
  if (editsContext(whole)) return null;
  const hash = createHash("sha256").update(JSON.stringify([body.model, betas]));
  let from = body.fields.messages?.end ?? 0;
  const left = NOT_SHAPING.flatMap((name) => body.fields[name] ?? []);
  for (const { start, end } of left.toSorted((one, other) => one.start - other.start)) {
    if (start < from) continue;
    hash.update(bytes.subarray(from, start)).update("\n");
    from = end;
  }
  hash.update(bytes.subarray(from));
  return hash.digest("hex");
}

/** Keeping all thinking is the one setting that edits nothing. */
function editsContext({ bytes, body }: WholeBody): boolean {
  const range = body.fields.context_management;
  if (range === undefined) return false;
  if (range.end - range.start > CONTEXT_MANAGEMENT_BYTES_MAX) return true;
  const value = parseJson(bytes.toString("utf8", range.start, range.end));
  const edits = isObject(value) ? value["edits"] : null;
  if (!Array.isArray(edits)) return true;
  return !edits.every(
    (edit) =>
      isObject(edit) &&
      typeof edit["type"] === "string" &&
      edit["type"].startsWith("clear_thinking_") &&
      edit["keep"] === "all",
  );
}
