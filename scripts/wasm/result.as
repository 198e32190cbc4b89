/** The scanner's only outputs: words of the result, and the two lists beside it. */
import {
  BODY_AT, FLAG_OBSCURED, RESULT_AT, RESULT_WORDS, TYPES_AT, TYPES_MAX, WORD_FAULT, WORD_FAULT_OFFSET,
  WORD_FLAGS, WORD_NON_ASCII, WORD_TYPES, WORD_UNICODE_ESCAPES,
} from "../../src/wire/scanner-layout";

export const QUOTE: u32 = 0x22;
export const BACKSLASH: u32 = 0x5c;
export const COLON: u32 = 0x3a;
export const OPEN_BRACE: u32 = 0x7b;
export const OPEN_BRACKET: u32 = 0x5b;

// @ts-ignore: decorator
@inline
export function word(index: usize): u32 {
  return load<u32>(<usize>RESULT_AT + (index << 2));
}

// @ts-ignore: decorator
@inline
export function setWord(index: usize, value: u32): void {
  store<u32>(<usize>RESULT_AT + (index << 2), value);
}

// @ts-ignore: decorator
@inline
export function addFlag(flag: u32): void {
  setWord(WORD_FLAGS, word(WORD_FLAGS) | flag);
}

/** Offset of an address from the body's start. */
// @ts-ignore: decorator
@inline
export function offset(at: usize): u32 {
  return <u32>(at - <usize>BODY_AT);
}

export function clearResult(): void {
  for (let index: usize = 0; index < <usize>RESULT_WORDS; index++) setWord(index, 0);
}

/** Notes a fault and returns 0, the address that stands for "stopped". */
export function fault(code: u32, at: usize): usize {
  setWord(WORD_FAULT, code);
  setWord(WORD_FAULT_OFFSET, offset(at));
  return 0;
}

export function countBytes(nonAscii: u32, unicodeEscapes: u32): void {
  setWord(WORD_NON_ASCII, word(WORD_NON_ASCII) + nonAscii);
  setWord(WORD_UNICODE_ESCAPES, word(WORD_UNICODE_ESCAPES) + unicodeEscapes);
}

/** The value that was left last; one that is told again within a field says nothing new. */
let lastStart: usize = 0;
let lastEnd: usize = 0;

export function clearTypes(): void {
  lastStart = lastEnd = 0;
}

function isLast(start: usize, end: usize): bool {
  if (end - start != lastEnd - lastStart) return false;
  for (let at = start; at < end; at++) {
    if (load<u8>(at) != load<u8>(lastStart + (at - start))) return false;
  }
  return true;
}

/** Leaves a `type` value, quotes excluded, for the caller to judge. */
export function reportType(start: usize, end: usize): void {
  if (lastStart != 0 && isLast(start, end)) return;
  lastStart = start;
  lastEnd = end;
  const count = word(WORD_TYPES);
  if (count == TYPES_MAX) return addFlag(FLAG_OBSCURED);
  const at = <usize>TYPES_AT + (<usize>count << 3);
  store<u32>(at, offset(start));
  store<u32>(at, offset(end), 4);
  setWord(WORD_TYPES, count + 1);
}
