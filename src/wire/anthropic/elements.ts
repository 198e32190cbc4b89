/** Finds the elements of a JSON array and the members of a JSON object by their byte ranges. */
import type { ByteRange } from "./body.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPENERS = new Set([0x5b, 0x7b]);
const CLOSERS = new Set([0x5d, 0x7d]);
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** Where the elements of an array stand, without the spaces around them. `range` is of valid JSON. */
export function elementsOf(bytes: Buffer, range: ByteRange): readonly ByteRange[] {
  return [...eachElement(bytes, range)];
}

/** The same one by one: what is behind the last one that is asked for is not read. */
export function* eachElement(bytes: Buffer, range: ByteRange): Generator<ByteRange, void> {
  let at = skipSpaces(bytes, range.start + 1);
  while (at < range.end - 1) {
    const end = skipValue(bytes, at);
    yield { start: at, end };
    const next = skipSpaces(bytes, end);
    at = bytes[next] === COMMA ? skipSpaces(bytes, next + 1) : range.end;
  }
}

/** Where a member's value stands in an object; null where there is none. The last of several counts. */
export function memberOf(bytes: Buffer, range: ByteRange, name: string): ByteRange | null {
  let found: ByteRange | null = null;
  let at = skipSpaces(bytes, range.start + 1);
  while (at < range.end - 1) {
    const keyEnd = skipString(bytes, at);
    const colon = skipSpaces(bytes, keyEnd);
    if (bytes[colon] !== COLON) throw new RangeError(`no member at offset ${colon}`);
    const start = skipSpaces(bytes, colon + 1);
    const end = skipValue(bytes, start);
    if (JSON.parse(bytes.toString("utf8", at, keyEnd)) === name) found = { start, end };
    const next = skipSpaces(bytes, end);
    at = bytes[next] === COMMA ? skipSpaces(bytes, next + 1) : range.end;
  }
  return found;
}

function skipSpaces(bytes: Buffer, from: number): number {
  let at = from;
  while (SPACES.has(bytes[at] ?? -1)) at += 1;
  return at;
}

/** From an opening quote to behind the closing one. */
function skipString(bytes: Buffer, from: number): number {
  let at = from + 1;
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at);
    if (quote < 0) throw new RangeError(`a string without end at offset ${from}`);
    let slashes = 0;
    while (bytes[quote - 1 - slashes] === BACKSLASH) slashes += 1;
    at = quote + 1;
    if (slashes % 2 === 0) return at;
  }
}

function skipValue(bytes: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at] ?? -1;
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      if (depth === 0) return at;
      continue;
    }
    if (OPENERS.has(byte)) depth += 1;
    else if (CLOSERS.has(byte)) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || SPACES.has(byte))) return at;
    at += 1;
  }
  return at;
}
