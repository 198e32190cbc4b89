/** The end of a conversation, cut out of a body's bytes: what the last answer's tools did, and what was said. */
import { crc32 } from "node:zlib";
import type { ByteRange } from "./body.ts";

/** A tool's use in the last answer, with what came of it. Digests are CRC-32s: for comparing alone. */
export interface ToolCall {
  readonly tool: string;
  readonly input: number;
  /** Null where its result is not there. */
  readonly result: number | null;
  readonly failed: boolean;
}

export interface SaidText {
  readonly bytes: number;
  /** Of how it begins. */
  readonly opening: number;
}

export interface MessagesTail {
  /** Of the last message but for what is beyond the window. */
  readonly digest: number;
  /** In the order of the answer. */
  readonly calls: readonly ToolCall[];
  /** The last text in the words of a person, or of what speaks for one; null: none since the last answer. */
  readonly text: SaidText | null;
}

/** A message that does not end in this many bytes is only digested. */
const WINDOW_BYTES = 128 * 1024;
const FIRST_WINDOW_BYTES = 16 * 1024;
/** Last answer, results, and messages of the system between them. */
const MESSAGES_MAX = 6;
const DIGEST_BYTES_MAX = 8 * 1024;
const OPENING_BYTES = 48;
const CALLS_MAX = 32;
/** The client's own words about the session. */
const REMINDER = Buffer.from("<system-reminder>");

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

/**
 * What the end of `messages` says; its cost does not grow with the conversation.
 *
 * @param messages Where the array stands in the body, as the scanner gives it: it is sound JSON.
 */
export function messagesTail(chunks: readonly Buffer[], messages: ByteRange): MessagesTail | null {
  const { start, end } = messages;
  for (const windowBytes of [FIRST_WINDOW_BYTES, WINDOW_BYTES]) {
    const from = Math.max(start + 1, end - 1 - windowBytes);
    const bytes = bytesIn(chunks, from, end - 1);
    if (bytes.length === 0) return null;
    const window = { bytes, ends: new Map<number, number>() };
    const found = messagesFromEnd(window, from === start + 1);
    if (found.isEnough || windowBytes === WINDOW_BYTES) return tailOf(window, found.ranges);
  }
  return null;
}

/** One piece of the body; a copy only where it came in several. */
function bytesIn(chunks: readonly Buffer[], from: number, to: number): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const chunk of chunks) {
    if (at >= to) break;
    if (at + chunk.length > from)
      parts.push(chunk.subarray(Math.max(0, from - at), Math.min(chunk.length, to - at)));
    at += chunk.length;
  }
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}

/** A piece of the body, and where its long strings end: each is walked through once. */
interface Window {
  readonly bytes: Buffer;
  /** Opening quote → past the closing one. */
  readonly ends: Map<number, number>;
}

interface Found {
  /** Newest first. */
  readonly ranges: readonly ByteRange[];
  /** An answer of the model is among them, or there are no more. */
  readonly isEnough: boolean;
}

/** Messages from the end backwards to the last answer, as far as they are in the window. */
function messagesFromEnd(window: Window, isAll: boolean): Found {
  const { bytes, ends } = window;
  const ranges: ByteRange[] = [];
  let [at, depth, end] = [bytes.length - 1, 0, 0];
  while (at >= 0) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      const closing = at;
      at = openingQuote(bytes, closing);
      if (at < 0) break;
      if (closing - at > LONG_BYTES) ends.set(at, closing + 1);
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) end = at + 1;
      depth++;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth--;
      if (depth === 0 && isLastOne(window, ranges, { start: at, end }))
        return { ranges, isEnough: true };
    }
    at--;
  }
  return { ranges, isEnough: isAll };
}

/** Adds a message; true where none before it is needed. */
function isLastOne(window: Window, ranges: ByteRange[], message: ByteRange): boolean {
  ranges.push(message);
  return (
    ranges.length === MESSAGES_MAX || roleOf(window, message.start, message.end) === "assistant"
  );
}

/** Backwards from a closing quote: inside a string, a quote that is not escaped is the one that opens it. */
function openingQuote(bytes: Buffer, closing: number): number {
  let at = closing - 1;
  for (;;) {
    at = previousQuote(bytes, at);
    if (at < 0) return -1;
    let backslashes = 0;
    while (bytes[at - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
    at -= backslashes + 1;
  }
}

/** Shorter strings are walked through faster than they are remembered. */
const LONG_BYTES = 64;
/** Most strings are short: a look beats a call. */
const LOOK_BYTES = 48;

function previousQuote(bytes: Buffer, from: number): number {
  const least = Math.max(0, from - LOOK_BYTES);
  for (let at = from; at >= least; at--) if (bytes[at] === QUOTE) return at;
  return least === 0 ? -1 : bytes.lastIndexOf(QUOTE, least - 1);
}

function nextQuote(bytes: Buffer, from: number): number {
  const most = Math.min(bytes.length, from + LOOK_BYTES);
  for (let at = from; at < most; at++) if (bytes[at] === QUOTE) return at;
  return most === bytes.length ? -1 : bytes.indexOf(QUOTE, most);
}

/** Past the string that opens at `at`. */
function endOfString({ bytes, ends }: Window, at: number): number {
  const known = ends.get(at);
  if (known !== undefined) return known;
  let quote = at;
  for (;;) {
    quote = nextQuote(bytes, quote + 1);
    if (quote < 0) return bytes.length;
    let backslashes = 0;
    while (bytes[quote - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
}

/** Past the value that begins at `at`. */
function endOfValue(window: Window, at: number): number {
  const { bytes } = window;
  let depth = 0;
  let next = at;
  while (next < bytes.length) {
    const byte = bytes[next];
    if (byte === QUOTE) {
      next = endOfString(window, next);
      if (depth === 0) return next;
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) return next;
      depth--;
      if (depth === 0) return next + 1;
    } else if (depth === 0 && byte === COMMA) return next;
    next++;
  }
  return bytes.length;
}

function skipSpace(bytes: Buffer, at: number): number {
  let next = at;
  while ((bytes[next] ?? QUOTE) <= SPACE) next++;
  return next;
}

/** The fields of an object that are asked for, as the ranges of their values. */
function fieldsOf(
  window: Window,
  object: ByteRange,
  take: (name: string, value: ByteRange) => void,
): void {
  const { bytes } = window;
  let at = skipSpace(bytes, object.start + 1);
  while (at < object.end && bytes[at] === QUOTE) {
    const nameEnd = endOfString(window, at);
    const name = wordAt(bytes, at + 1, nameEnd - 1);
    at = skipSpace(bytes, nameEnd);
    if (bytes[at] !== COLON) return;
    const start = skipSpace(bytes, at + 1);
    const end = endOfValue(window, start);
    take(name, { start, end });
    at = skipSpace(bytes, end);
    if (bytes[at] !== COMMA) return;
    at = skipSpace(bytes, at + 1);
  }
}

/** The elements of an array, each where it stands. */
function elementsOf(window: Window, array: ByteRange, take: (element: ByteRange) => void): void {
  const { bytes } = window;
  let at = skipSpace(bytes, array.start + 1);
  while (at < array.end - 1) {
    const end = endOfValue(window, at);
    if (end === at) return;
    take({ start: at, end });
    at = skipSpace(bytes, end);
    if (bytes[at] !== COMMA) return;
    at = skipSpace(bytes, at + 1);
  }
}

function textOf(bytes: Buffer, { start, end }: ByteRange): string {
  return bytes[start] === QUOTE ? bytes.toString("latin1", start + 1, end - 1) : "";
}

/** Words that decide something, by their length: known without making a text of them. */
const WORDS: readonly (readonly string[])[] = [
  [],
  [],
  ["id"],
  [],
  ["role", "type", "name", "text", "user"],
  ["input"],
  ["system"],
  ["content"],
  ["is_error", "tool_use"],
  ["assistant"],
  [],
  ["tool_result", "tool_use_id"],
];

/** The word that stands there; "" for one that decides nothing. */
function wordAt(bytes: Buffer, start: number, end: number): string {
  for (const word of WORDS[end - start] ?? []) {
    let at = 0;
    while (at < word.length && bytes[start + at] === word.charCodeAt(at)) at++;
    if (at === word.length) return word;
  }
  return "";
}

function wordOf(bytes: Buffer, { start, end }: ByteRange): string {
  return bytes[start] === QUOTE ? wordAt(bytes, start + 1, end - 1) : "";
}

function roleOf(window: Window, start: number, end: number): string {
  let role = "";
  // Clients write the role first or last: what stands between is passed over.
  fieldsOf(window, { start, end }, (name, value) => {
    if (name === "role") role = wordOf(window.bytes, value);
  });
  return role;
}

/** A digest that long values do not make dear: their length and both their ends. */
function digestOf(bytes: Buffer, { start, end }: ByteRange): number {
  const length = end - start;
  if (length <= DIGEST_BYTES_MAX) return crc32(bytes.subarray(start, end));
  const half = DIGEST_BYTES_MAX / 2;
  const first = crc32(bytes.subarray(start, start + half), length % 2 ** 32);
  return crc32(bytes.subarray(end - half, end), first);
}

interface Block {
  type: string;
  id: string;
  tool: string;
  isError: boolean;
  input: ByteRange | null;
  content: ByteRange | null;
  text: ByteRange | null;
}

function blockOf(window: Window, range: ByteRange): Block {
  const { bytes } = window;
  const block: Block = {
    type: "",
    id: "",
    tool: "",
    isError: false,
    input: null,
    content: null,
    text: null,
  };
  fieldsOf(window, range, (name, value) => {
    if (name === "type") block.type = wordOf(bytes, value);
    else if (name === "id" || name === "tool_use_id") block.id = textOf(bytes, value);
    else if (name === "name") block.tool = textOf(bytes, value);
    else if (name === "input") block.input = value;
    else if (name === "content") block.content = value;
    else if (name === "text") block.text = value;
    else if (name === "is_error") block.isError = bytes[value.start] === TRUE;
  });
  return block;
}

/** The first letter of `true`. */
const TRUE = 0x74;

function tailOf(window: Window, messages: readonly ByteRange[]): MessagesTail {
  const { bytes } = window;
  const [last] = messages;
  const uses: Block[] = [];
  const results = new Map<string, Block>();
  let text: SaidText | null = null;
  for (const message of messages) {
    const { role, blocks } = messageOf(window, message);
    if (role === "user") text ??= lastText(bytes, blocks);
    if (role === "assistant") uses.push(...blocks.filter(({ type }) => type === "tool_use"));
    for (const block of blocks) if (block.type === "tool_result") results.set(block.id, block);
  }
  const digest = digestOf(bytes, last ?? { start: 0, end: bytes.length });
  return {
    digest,
    calls: uses.slice(0, CALLS_MAX).map((use) => callOf(bytes, use, results)),
    text,
  };
}

function messageOf(window: Window, message: ByteRange): { role: string; blocks: Block[] } {
  let role = "";
  let content: ByteRange | null = null;
  fieldsOf(window, message, (name, value) => {
    if (name === "role") role = wordOf(window.bytes, value);
    else if (name === "content") content = value;
  });
  return { role, blocks: content === null ? [] : blocksOf(window, content) };
}

function blocksOf(window: Window, content: ByteRange): Block[] {
  const { bytes } = window;
  if (bytes[content.start] === QUOTE) {
    const none = { id: "", tool: "", isError: false, input: null, content: null };
    return [{ ...none, type: "text", text: content }];
  }
  const blocks: Block[] = [];
  if (bytes[content.start] === OPEN_BRACKET)
    elementsOf(window, content, (range) => blocks.push(blockOf(window, range)));
  return blocks;
}

function lastText(bytes: Buffer, blocks: readonly Block[]): SaidText | null {
  for (const { type, text } of blocks.toReversed()) {
    if (type !== "text" || text === null) continue;
    const [start, end] = [text.start + 1, text.end - 1];
    if (bytes.subarray(start, start + REMINDER.length).equals(REMINDER)) continue;
    const opening = crc32(bytes.subarray(start, Math.min(end, start + OPENING_BYTES)));
    return { bytes: end - start, opening };
  }
  return null;
}

function callOf(bytes: Buffer, use: Block, results: ReadonlyMap<string, Block>): ToolCall {
  const result = results.get(use.id);
  const content = result?.content ?? null;
  return {
    tool: use.tool,
    input: use.input === null ? 0 : digestOf(bytes, use.input),
    result: content === null ? null : digestOf(bytes, content),
    failed: result?.isError ?? false,
  };
}
