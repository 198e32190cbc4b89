/** Takes thinking that Anthropic did not sign out of a body, and touches no other byte. */
import { isForeignSignature, lacksLoopThinking, SEALS } from "../canonical/foreign.ts";
import { readCanonical } from "../canonical/read.ts";
import type { ByteRange, MessagesBody } from "./body.ts";
import { elementsOf, memberOf } from "./elements.ts";
import type { Edit } from "./splice.ts";
import { isObject, parseJson } from "./value.ts";

/**
 * The ends of `"signature"` and `"redacted_thinking"`. Short searches that begin with a rare letter are
 * several times faster than longer ones; what else ends so only costs a look.
 */
const SIGNATURE_END = 'ure"';
const REDACTED_END = 'king"';
const REDACTED = '"redacted_thinking"';
const DATA_KEY = '"data"';
/** What is looked at behind a key; runs of spaces that leave no room for a value count as foreign. */
const SHOWN_BYTES = 64;
/** Holds a key with what is looked at behind it. */
const WINDOW_BYTES = 96;
const UNSIGNED = new RegExp(
  `^\\s*:\\s*"(?:"|${SEALS.map((seal) => seal.replaceAll(".", "\\.")).join("|")})|^\\s*:?\\s{16,}`,
);

/** Left where a message would be empty: the API takes none, and roles go on alternating. */
const EMPTY_MESSAGE = JSON.stringify([{ type: "text", text: "(no answer)" }]);

/**
 * False where a body has no unsigned and no sealed thinking. Searches bytes, across the borders of
 * chunks, and parses nothing: inside a text of a message, quotes are escaped and do not match.
 */
export function mayHaveForeignThinking(chunks: readonly Buffer[]): boolean {
  if (isAnywhere(chunks, (bytes) => hasUnsigned(bytes, SIGNATURE_END))) return true;
  // Data is found everywhere; redacted thinking hardly ever.
  if (!isAnywhere(chunks, hasRedacted)) return false;
  return isAnywhere(chunks, (bytes) => hasUnsigned(bytes, DATA_KEY));
}

/** Whether a test holds in a chunk, or across the border of two. */
function isAnywhere(chunks: readonly Buffer[], holds: (bytes: Buffer) => boolean): boolean {
  let tail: Buffer = Buffer.alloc(0);
  for (const chunk of chunks) {
    if (holds(chunk)) return true;
    if (tail.length > 0 && holds(Buffer.concat([tail, chunk.subarray(0, WINDOW_BYTES)])))
      return true;
    tail =
      chunk.length >= WINDOW_BYTES
        ? chunk.subarray(-WINDOW_BYTES)
        : Buffer.concat([tail, chunk]).subarray(-WINDOW_BYTES);
  }
  return false;
}

function hasRedacted(bytes: Buffer): boolean {
  let end = bytes.indexOf(REDACTED_END, 0, "latin1");
  while (end >= 0) {
    end += REDACTED_END.length;
    if (bytes.toString("latin1", Math.max(0, end - REDACTED.length), end) === REDACTED) return true;
    end = bytes.indexOf(REDACTED_END, end, "latin1");
  }
  return false;
}

/** Whether a key that ends so has a value without a signature of Anthropic's. */
function hasUnsigned(bytes: Buffer, keyEnd: string): boolean {
  let at = bytes.indexOf(keyEnd, 0, "latin1");
  while (at >= 0) {
    at += keyEnd.length;
    if (UNSIGNED.test(bytes.toString("latin1", at, at + SHOWN_BYTES))) return true;
    at = bytes.indexOf(keyEnd, at, "latin1");
  }
  return false;
}

export interface ForeignEdits {
  readonly edits: readonly Edit[];
  /** Fields that went. */
  readonly dropped: readonly string[];
}

const UNCHANGED: ForeignEdits = { edits: [], dropped: [] };

/**
 * Edits that take every foreign thinking block out of `messages`. A message of nothing else keeps its
 * place with a text that says so. Where tool calls are still under way, and a thinking budget would make
 * the API refuse them without their thinking, `thinking` is disabled for this request, and edits of
 * `context_management` that need it go too.
 *
 * @param chunks Of a body that the scan has found well-formed.
 */
export function foreignEdits(body: MessagesBody, chunks: readonly Buffer[]): ForeignEdits {
  const range = body.fields.messages;
  if (range === undefined || !mayHaveForeignThinking(chunks)) return UNCHANGED;
  const bytes = Buffer.concat(chunks);
  if (bytes[range.start] !== OPENING_BRACKET) return UNCHANGED;
  const edits: Edit[] = [];
  const dropped = new Set<string>();
  for (const message of elementsOf(bytes, range))
    edits.push(...messageEdits(bytes, message, dropped));
  if (edits.length === 0) return UNCHANGED;
  edits.push(...thinkingEdits(body, bytes, dropped));
  return { edits, dropped: [...dropped] };
}

const OPENING_BRACKET = 0x5b;
const OPENING_BRACE = 0x7b;

function messageEdits(bytes: Buffer, message: ByteRange, dropped: Set<string>): readonly Edit[] {
  if (bytes[message.start] !== OPENING_BRACE) return [];
  const content = memberOf(bytes, message, "content");
  if (content === null || bytes[content.start] !== OPENING_BRACKET) return [];
  const blocks = elementsOf(bytes, content);
  const lost = blocks.map((block) => lostField(parseJson(textOf(bytes, block))));
  const found = lost.filter((field) => field !== null);
  if (found.length === 0) return [];
  for (const field of found) dropped.add(field);
  if (found.length === blocks.length) return [{ ...content, text: EMPTY_MESSAGE }];
  return removals(blocks, (index) => lost[index] !== null);
}

/** The field under which the loss of a block is told; null for a block that stays. */
function lostField(block: unknown): "thinking.signature" | "redacted_thinking" | null {
  if (!isObject(block)) return null;
  const { type, signature, data } = block;
  if (type === "thinking")
    return typeof signature === "string" && !isForeignSignature(signature)
      ? null
      : "thinking.signature";
  if (type !== "redacted_thinking") return null;
  return typeof data === "string" && !isForeignSignature(data) ? null : "redacted_thinking";
}

/** Takes elements out of an array in which at least one stays, each with one comma. */
function removals(elements: readonly ByteRange[], goes: (index: number) => boolean): Edit[] {
  const edits: Edit[] = [];
  const lastKept = elements.findLastIndex((_, index) => !goes(index));
  for (const [index, { start, end }] of elements.entries()) {
    if (!goes(index)) continue;
    const next = elements[index + 1];
    const before = elements[index - 1];
    if (index < lastKept && next !== undefined) edits.push({ start, end: next.start, text: "" });
    else if (before !== undefined) edits.push({ start: before.end, end, text: "" });
  }
  return edits;
}

function thinkingEdits(body: MessagesBody, bytes: Buffer, dropped: Set<string>): readonly Edit[] {
  const { thinking, context_management: management } = body.fields;
  if (thinking === undefined || body.thinkingBudgetTokens === null) return [];
  const request = readCanonical(parseJson(bytes.toString("utf8")));
  if ("problem" in request || !lacksLoopThinking(request.turns)) return [];
  dropped.add("thinking");
  const disabled = { ...thinking, text: '{"type":"disabled"}' };
  if (management === undefined) return [disabled];
  const without = withoutThinkingEdits(parseJson(textOf(bytes, management)));
  if (without === null) return [disabled];
  dropped.add("context_management");
  return [disabled, { ...management, text: JSON.stringify(without) }];
}

/** Null where nothing in it needs thinking. */
function withoutThinkingEdits(management: unknown): object | null {
  if (!isObject(management) || !Array.isArray(management["edits"])) return null;
  const all: readonly unknown[] = management["edits"];
  const edits = all.filter((edit) => !(isObject(edit) && isThinkingEdit(edit["type"])));
  return edits.length === all.length ? null : { ...management, edits };
}

function isThinkingEdit(type: unknown): boolean {
  return typeof type === "string" && type.startsWith("clear_thinking_");
}

function textOf(bytes: Buffer, { start, end }: ByteRange): string {
  return bytes.toString("utf8", start, end);
}
