/** The scanner's entry: the grammar of a body's top level (RFC 8259), strict, byte by byte. */
import {
  BODY_AT, FAULT_BOM, FAULT_COLON, FAULT_COMMA, FAULT_CONTROL, FAULT_DUPLICATE, FAULT_EMPTY, FAULT_ESCAPE,
  FAULT_KEY, FAULT_LITERAL, FAULT_NOT_OBJECT, FAULT_NUMBER, FAULT_TRAILING, FAULT_TRUNCATED,
  FAULT_TRUNCATED_STRING, FAULT_VALUE, KEY_MCP_SERVERS, KEY_MESSAGES, KEY_TOOLS, KEY_TOOL_CHOICE, RESULT_AT,
  WORD_CLOSE, WORD_ENTRIES, WORD_FAULT_KEY, WORD_FIELDS, KEY_THREAD,
} from "../../src/wire/scanner-layout";
import { decodedTopLevelKey, topLevelKey } from "./keys";
import { MCP_SERVERS, MESSAGES, PLAIN, TOOLS } from "./members";
import { nested } from "./nested";
import { BACKSLASH, COLON, OPEN_BRACE, OPEN_BRACKET, QUOTE, clearResult, countBytes, fault, offset, setWord, word } from "./result";

const COMMA: u32 = 0x2c;
const CLOSE_BRACE: u32 = 0x7d;
const NULL: u32 = 0x6c6c756e;
/** "null", "true" and "false" without their first letters, which tell them apart. */
const ULL: u32 = 0x6c6c75;
const RUE: u32 = 0x657572;
const ALSE: u32 = 0x65736c61;

/** Whether the string that was read last holds a backslash. */
let hasEscape: bool = false;

// @ts-ignore: decorator
@inline
function byteAt(at: usize): u32 {
  return <u32>load<u8>(at);
}

function skipSpace(at: usize, end: usize): usize {
  while (at < end) {
    const byte = byteAt(at);
    if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) break;
    at++;
  }
  return at;
}

function isDigit(byte: u32): bool {
  return byte - 0x30 < 10;
}

function isHexDigit(byte: u32): bool {
  return isDigit(byte) || (byte | 0x20) - 0x61 < 6;
}

/** Checks the escape whose backslash is at `at`; returns the address after it, or 0. */
function escape(at: usize, end: usize): usize {
  if (at + 1 >= end) return fault(FAULT_TRUNCATED_STRING, end);
  switch (byteAt(at + 1)) {
    case 0x22: case 0x5c: case 0x2f: case 0x62: case 0x66: case 0x6e: case 0x72: case 0x74:
      return at + 2;
    case 0x75: {
      for (let digit = at + 2; digit < at + 6; digit++) {
        if (digit >= end) return fault(FAULT_TRUNCATED_STRING, end);
        if (!isHexDigit(byteAt(digit))) return fault(FAULT_ESCAPE, at);
      }
      countBytes(0, 1);
      return at + 6;
    }
    default: return fault(FAULT_ESCAPE, at);
  }
}

/** Reads the string whose quote is at `at`; returns the address of its closing quote, or 0. */
function string(at: usize, end: usize): usize {
  const quote = i8x16.splat(0x22);
  const backslash = i8x16.splat(0x5c);
  const space = i8x16.splat(0x20);
  hasEscape = false;
  at++;
  while (at < end) {
    const bytes = v128.load(at);
    const stops = i8x16.bitmask(
      v128.or(v128.or(i8x16.eq(bytes, quote), i8x16.eq(bytes, backslash)), i8x16.lt_u(bytes, space)),
    );
    const length: u32 = stops != 0 ? <u32>ctz(stops) : 16;
    const high = i8x16.bitmask(bytes) & ((1 << length) - 1);
    if (high != 0) countBytes(<u32>popcnt(high), 0);
    at += length;
    if (stops == 0) continue;
    if (at >= end) break;
    const byte = byteAt(at);
    if (byte == QUOTE) return at;
    if (byte != BACKSLASH) return fault(FAULT_CONTROL, at);
    hasEscape = true;
    at = escape(at, end);
    if (at == 0) return 0;
  }
  return fault(FAULT_TRUNCATED_STRING, end);
}

function digits(at: usize): usize {
  while (isDigit(byteAt(at))) at++;
  return at;
}

// The padding's spaces end a number that the body's end cuts off.
function number(start: usize, end: usize): usize {
  let at = start;
  if (byteAt(at) == 0x2d) at++;
  let from = at;
  at = byteAt(at) == 0x30 ? at + 1 : digits(at);
  if (at == from) return fault(at >= end ? FAULT_TRUNCATED : FAULT_NUMBER, at);
  if (byteAt(at) == 0x2e) {
    from = at + 1;
    at = digits(from);
    if (at == from) return fault(at >= end ? FAULT_TRUNCATED : FAULT_NUMBER, at);
  }
  if ((byteAt(at) | 0x20) == 0x65) {
    at++;
    if (byteAt(at) == 0x2b || byteAt(at) == 0x2d) at++;
    from = at;
    at = digits(from);
    if (at == from) return fault(at >= end ? FAULT_TRUNCATED : FAULT_NUMBER, at);
  }
  return at;
}

/** What the list under a top-level key stands for. */
function kindOf(key: i32): u32 {
  if (key == KEY_TOOLS) return TOOLS;
  if (key == KEY_MCP_SERVERS) return MCP_SERVERS;
  return key == KEY_MESSAGES ? MESSAGES : PLAIN;
}

function value(at: usize, end: usize, key: i32): usize {
  if (at >= end) return fault(FAULT_TRUNCATED, end);
  const byte = byteAt(at);
  if ((byte | 0x20) == OPEN_BRACE) {
    return nested(at, end, byte == OPEN_BRACKET ? kindOf(key) : PLAIN);
  }
  if (byte == QUOTE) {
    const closing = string(at, end);
    return closing == 0 ? 0 : closing + 1;
  }
  if (byte == 0x2d || isDigit(byte)) return number(at, end);
  if (byte == 0x6e) return rest(at, end, ULL);
  if (byte == 0x74) return rest(at, end, RUE);
  if (byte == 0x66) return rest(at, end, ALSE);
  return fault(FAULT_VALUE, at);
}

/** Reads the rest of a literal whose first letter is at `at`. */
function rest(at: usize, end: usize, letters: u32): usize {
  let next = at + 1;
  for (; letters != 0; next++, letters >>= 8) {
    if (next >= end) return fault(FAULT_TRUNCATED, end);
    if (byteAt(next) != (letters & 0xff)) return fault(FAULT_LITERAL, at);
  }
  return next;
}

/** Notes where the value of a known key lies; 0 where the key may not stand here again. */
function field(key: i32, keyAt: usize, start: usize, end: usize): bool {
  const index = <usize>WORD_FIELDS + (<usize>key << 1);
  if (word(index) != 0 && key < KEY_THREAD && key != KEY_TOOL_CHOICE) {
    setWord(WORD_FAULT_KEY, key);
    fault(FAULT_DUPLICATE, keyAt);
    return false;
  }
  // Where only presence counts, a null may not hide an earlier value.
  if (key >= KEY_THREAD && word(index) != 0 && load<u32>(start) == NULL) return true;
  setWord(index, offset(start));
  setWord(index + 1, offset(end));
  return true;
}

/** Reads one member whose key's quote is at `at`; returns the address after its value, or 0. */
function entry(at: usize, end: usize): usize {
  if (at >= end) return fault(FAULT_TRUNCATED, end);
  if (byteAt(at) != QUOTE) return fault(FAULT_KEY, at);
  const closing = string(at, end);
  if (closing == 0) return 0;
  const length = <i32>(closing - at) - 1;
  const key = hasEscape ? decodedTopLevelKey(at + 1, length) : topLevelKey(at + 1, length);
  const colon = skipSpace(closing + 1, end);
  if (colon >= end) return fault(FAULT_TRUNCATED, end);
  if (byteAt(colon) != COLON) return fault(FAULT_COLON, colon);
  const start = skipSpace(colon + 1, end);
  const after = value(start, end, key);
  if (after == 0) return 0;
  setWord(WORD_ENTRIES, word(WORD_ENTRIES) + 1);
  if (key >= 0 && !field(key, at, start, after)) return 0;
  return after;
}

/** Scans the body of `length` bytes at `BODY_AT`, `PADDING_BYTES` spaces behind it, into the result's words. */
export function scan(length: usize): void {
  // Constant strings lie below the result; this folds away.
  if (__heap_base > <usize>RESULT_AT) unreachable();
  clearResult();
  const start: usize = BODY_AT;
  const end = start + length;
  let at = skipSpace(start, end);
  if (at == end) {
    fault(FAULT_EMPTY, at);
    return;
  }
  if (byteAt(at) != OPEN_BRACE) {
    fault((load<u32>(at) & 0xffffff) == 0xbfbbef ? FAULT_BOM : FAULT_NOT_OBJECT, at);
    return;
  }
  at = skipSpace(at + 1, end);
  if (at >= end || byteAt(at) != CLOSE_BRACE) {
    while (true) {
      at = entry(at, end);
      if (at == 0) return;
      at = skipSpace(at, end);
      if (at >= end) {
        fault(FAULT_TRUNCATED, end);
        return;
      }
      if (byteAt(at) == CLOSE_BRACE) break;
      if (byteAt(at) != COMMA) {
        fault(FAULT_COMMA, at);
        return;
      }
      at = skipSpace(at + 1, end);
    }
  }
  setWord(WORD_CLOSE, offset(at));
  at = skipSpace(at + 1, end);
  if (at < end) fault(FAULT_TRAILING, at);
}
