/**
 * Walks one nested value, 64 bytes at a time, looking only at brackets and colons outside strings: the
 * method of simdjson (Langdale and Lemire, "Parsing gigabytes of JSON per second", 2019). The walk is one
 * function, so that its state stays in registers.
 */
import {
  DEPTH_MAX, FAULT_BRACKET, FAULT_DEPTH, FAULT_TRUNCATED, FAULT_TRUNCATED_STRING, FLAG_OBSCURED, FRAMES_AT,
} from "../../src/wire/scanner-layout";
import { ESCAPED_KEY_MAX, NESTED_MARKED, NESTED_NONE, NESTED_TYPE, decodedNestedKey, nestedKey } from "./keys";
import { ARGUMENTS, INHERITED, MCP_SERVER, TOOL, beginField, childOf, closeTool, member, openTool } from "./members";
import { BACKSLASH, COLON, addFlag, countBytes, fault } from "./result";

/** A frame: what the bracket stands for, whether it is an object, and the marked keys seen in it. */
const KIND_BITS: u32 = 0xf;
const OBJECT_BIT: u32 = 0x10;
const SEEN_SHIFT: u32 = 8;

const TYPE: u32 = 0x65_70_79_74; // type
const EVEN_BITS: u64 = 0x5555_5555_5555_5555;
const ALL: u64 = 0xffff_ffff_ffff_ffff;

// @ts-ignore: decorator
@inline
function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  return (
    <u64>i8x16.bitmask(a) | (<u64>i8x16.bitmask(b) << 16) |
    (<u64>i8x16.bitmask(c) << 32) | (<u64>i8x16.bitmask(d) << 48)
  );
}

// @ts-ignore: decorator
@inline
function equal(a: v128, b: v128, c: v128, d: v128, byte: v128): u64 {
  return bits(i8x16.eq(a, byte), i8x16.eq(b, byte), i8x16.eq(c, byte), i8x16.eq(d, byte));
}

/** Each bit becomes the parity of itself and all bits below it. */
// @ts-ignore: decorator
@inline
function prefixXor(value: u64): u64 {
  value ^= value << 1;
  value ^= value << 2;
  value ^= value << 4;
  value ^= value << 8;
  value ^= value << 16;
  return value ^ (value << 32);
}

/** The lowest `count` bits, for `count` < 64. */
// @ts-ignore: decorator
@inline
function low(count: u32): u64 {
  return ((<u64>1) << count) - 1;
}

// @ts-ignore: decorator
@inline
function isSpace(byte: u32): bool {
  return byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09;
}

/** Lengths and last letters of the known keys; most other keys fail here. */
const KEY_SHAPES: u64 =
  shape(3, 0x6c) | shape(4, 0x65) | shape(5, 0x74) | shape(5, 0x6c) | shape(5, 0x64) | shape(7, 0x74) |
  shape(7, 0x64) | shape(7, 0x67) | shape(8, 0x73) | shape(10, 0x73) | shape(10, 0x6e) | shape(12, 0x61) |
  shape(13, 0x6c) | shape(14, 0x73) | shape(16, 0x74) | shape(17, 0x74);

// @ts-ignore: decorator
@inline
function shape(length: u32, lastByte: u32): u64 {
  return (<u64>1) << ((length * 5 + lastByte) & 63);
}

/** The key between two quotes that hold no backslash. */
// @ts-ignore: decorator
@inline
function plainKey(opening: usize, closing: usize): u32 {
  const length = <u32>(closing - opening) - 1;
  if (length == 4) return load<u32>(opening, 1) == TYPE ? NESTED_TYPE : NESTED_NONE;
  if ((shape(length, load<u8>(closing - 1)) & KEY_SHAPES) == 0) return NESTED_NONE;
  return nestedKey(opening + 1, <i32>length);
}

/** The same where a backslash may be in it: an escaped known key is reported. */
function escapedKey(opening: usize, closing: usize): u32 {
  const length = <i32>(closing - opening) - 1;
  if (length > ESCAPED_KEY_MAX) return NESTED_NONE;
  for (let at = opening + 1; at < closing; at++) {
    if (<u32>load<u8>(at) == BACKSLASH) {
      const key = decodedNestedKey(opening + 1, length);
      if (key != NESTED_NONE) addFlag(FLAG_OBSCURED);
      return key;
    }
  }
  return nestedKey(opening + 1, length);
}

/**
 * Walks the value whose bracket is at `start` and stands for `kind`.
 *
 * @returns the address after its closing bracket; 0 after a fault.
 */
export function nested(start: usize, end: usize, kind: u32): usize {
  const quote = i8x16.splat(0x22);
  const backslash = i8x16.splat(0x5c);
  const lowerCase = i8x16.splat(0x20);
  const opener = i8x16.splat(0x7b);
  const closer = i8x16.splat(0x7d);
  const colon = i8x16.splat(0x3a);
  const letterU = i8x16.splat(0x75);
  let depth: i32 = 0;
  let frame: u32 = 0;
  let next: u32 = kind;
  let isEscaped: u64 = 0;
  let inString: u64 = 0;
  let lastQuote: usize = start;
  let quoteBefore: usize = start;
  let nonAscii: u32 = 0;
  let unicodeEscapes: u32 = 0;
  let inArguments: i32 = 0;
  beginField(kind);
  for (let block = start; block < end; block += 64) {
    const a = v128.load(block);
    const b = v128.load(block, 16);
    const c = v128.load(block, 32);
    const d = v128.load(block, 48);
    let high: u64 = 0;
    if (i8x16.bitmask(v128.or(v128.or(a, b), v128.or(c, d))) != 0) high = bits(a, b, c, d);
    let quotes = equal(a, b, c, d, quote);
    const slashes = equal(a, b, c, d, backslash);
    let escaped: u64 = isEscaped;
    let escapes: u64 = 0;
    if (slashes != 0) {
      const live = slashes & ~isEscaped;
      const after = (live << 1) | isEscaped;
      const oddStarts = live & ~EVEN_BITS & ~after;
      const sum = oddStarts + live;
      isEscaped = sum < live ? 1 : 0;
      escaped = (EVEN_BITS ^ (sum << 1)) & after;
      escapes = escaped & equal(a, b, c, d, letterU);
    } else if (escaped != 0) {
      escapes = <u32>load<u8>(block) == 0x75 ? 1 : 0;
      isEscaped = 0;
    }
    quotes &= ~escaped;
    if ((quotes | (inString ^ ALL)) != 0) {
      const strings = prefixXor(quotes) ^ inString;
      inString = <u64>(<i64>strings >> 63);
      const la = v128.or(a, lowerCase);
      const lb = v128.or(b, lowerCase);
      const lc = v128.or(c, lowerCase);
      const ld = v128.or(d, lowerCase);
      const openers = equal(la, lb, lc, ld, opener) & ~strings;
      const closers = equal(la, lb, lc, ld, closer) & ~strings;
      let marks: u64 = 0;
      const closing = <i32>popcnt(closers);
      // Arguments are only measured, until they may end in this block.
      if (closing < inArguments) inArguments += <i32>popcnt(openers) - closing;
      else marks = openers | closers | (equal(a, b, c, d, colon) & ~strings);
      while (marks != 0) {
        const bit = <u32>ctz(marks);
        marks &= marks - 1;
        const at = block + bit;
        const byte = <u32>load<u8>(at);
        if (inArguments != 0) {
          if (byte == COLON) continue;
          inArguments += (byte & 2) != 0 ? 1 : -1;
          if (inArguments != 0) continue;
        }
        if (byte == COLON) {
          let before = quotes & low(bit);
          let closed = lastQuote;
          let opened = quoteBefore;
          if (before != 0) {
            const top = 63 - <u32>clz(before);
            closed = block + top;
            before &= low(top);
            opened = before != 0 ? block + (63 - <u32>clz(before)) : lastQuote;
          }
          // A key that begins in an earlier block may hold a backslash there.
          const isPlain = opened >= block && ((slashes & low(bit)) >> (opened - block)) == 0;
          const key = isPlain ? plainKey(opened, closed) : escapedKey(opened, closed);
          if (key == NESTED_NONE) continue;
          if (key <= NESTED_MARKED) {
            const seen = <u32>1 << (SEEN_SHIFT + key);
            if ((frame & seen) != 0) addFlag(FLAG_OBSCURED);
            frame |= seen;
          }
          let value = at + 1;
          while (value < end && isSpace(load<u8>(value))) value++;
          next = member(key, value, frame & KIND_BITS);
          // Only a bracket right here takes it; a later one belongs to something else.
          if ((<u32>load<u8>(value) | 0x20) != 0x7b) next = INHERITED;
        } else if ((byte & 2) != 0) {
          const isObject = (byte & 0x20) != 0;
          if (depth == DEPTH_MAX) return fault(FAULT_DEPTH, at);
          store<u32>(<usize>FRAMES_AT + (<usize>depth << 2), frame);
          depth++;
          const opened = next != INHERITED ? next : childOf(frame & KIND_BITS, isObject);
          next = INHERITED;
          frame = opened | (isObject ? OBJECT_BIT : 0);
          if (opened == ARGUMENTS) inArguments = 1;
          else if (opened == TOOL || opened == MCP_SERVER) openTool(at, opened);
        } else {
          if (((byte & 0x20) != 0) != ((frame & OBJECT_BIT) != 0)) return fault(FAULT_BRACKET, at);
          const closed = frame & KIND_BITS;
          if (closed == TOOL || closed == MCP_SERVER) closeTool();
          depth--;
          frame = load<u32>(<usize>FRAMES_AT + (<usize>depth << 2));
          next = INHERITED;
          if (depth == 0) {
            nonAscii += <u32>popcnt(high & low(bit));
            unicodeEscapes += <u32>popcnt(escapes & low(bit));
            countBytes(nonAscii, unicodeEscapes);
            return at + 1;
          }
        }
      }
      if (quotes != 0) {
        const top = 63 - <u32>clz(quotes);
        const rest = quotes & low(top);
        quoteBefore = rest != 0 ? block + (63 - <u32>clz(rest)) : lastQuote;
        lastQuote = block + top;
      }
    }
    nonAscii += <u32>popcnt(high);
    unicodeEscapes += <u32>popcnt(escapes);
  }
  return fault(inString != 0 ? FAULT_TRUNCATED_STRING : FAULT_TRUNCATED, end);
}
