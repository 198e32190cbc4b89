/** Names that mean something: keys of the top level, keys below it, and their escaped spellings. */
import {
  KEY_CACHE_CONTROL, KEY_COMPACTION, KEY_CONTAINER, KEY_CONTEXT_MANAGEMENT, KEY_FALLBACKS,
  KEY_INFERENCE_GEO, KEY_MAX_TOKENS, KEY_MCP_SERVERS, KEY_MESSAGES, KEY_METADATA, KEY_MODEL,
  KEY_OUTPUT_CONFIG, KEY_SERVICE_TIER, KEY_SPEED, KEY_STREAM, KEY_SYSTEM, KEY_THINKING, KEY_THREAD,
  KEY_TOOLS, KEY_TOOL_CHOICE, RESULT_AT,
} from "../../src/wire/scanner-layout";
import { BACKSLASH } from "./result";

/** Keys below the top level. Up to `NESTED_MARKED` a repetition in one object is reported. */
export const NESTED_NONE: u32 = 0;
export const NESTED_TYPE: u32 = 1;
export const NESTED_CACHE_CONTROL: u32 = 2;
export const NESTED_TTL: u32 = 3;
export const NESTED_MAX_USES: u32 = 4;
export const NESTED_MODEL: u32 = 5;
export const NESTED_MAX_TOKENS: u32 = 6;
export const NESTED_SPEED: u32 = 7;
export const NESTED_OPAQUE: u32 = 8;
export const NESTED_DEFINITION: u32 = 9;
export const NESTED_MARKED: u32 = 9;
export const NESTED_CONTENT: u32 = 10;
export const NESTED_INPUT: u32 = 11;
export const NESTED_TOOL_ARGUMENTS: u32 = 12;

/** Escapes are at most six bytes for one character, and no name here is longer than 18. */
export const ESCAPED_KEY_MAX: i32 = 108;
const NAME_MAX: usize = 18;
const SCRATCH: usize = <usize>RESULT_AT + 0x800;

/*
 * Names are compared as little-endian words: the first eight bytes, then the last eight, which overlap.
 */

/** The top-level key of `length` bytes at `at`, or -1. */
export function topLevelKey(at: usize, length: i32): i32 {
  const head = load<u64>(at);
  switch (length) {
    case 5: {
      const text = head & 0xffffffffff;
      if (text == 0x6c65646f6d) return KEY_MODEL; // model
      if (text == 0x736c6f6f74) return KEY_TOOLS; // tools
      if (text == 0x6465657073) return KEY_SPEED; // speed
      return -1;
    }
    case 6: {
      const text = head & 0xffffffffffff;
      if (text == 0x6d6165727473) return KEY_STREAM; // stream
      if (text == 0x6d6574737973) return KEY_SYSTEM; // system
      if (text == 0x646165726874) return KEY_THREAD; // thread
      return -1;
    }
    case 8: {
      if (head == 0x736567617373656d) return KEY_MESSAGES; // messages
      if (head == 0x617461646174656d) return KEY_METADATA; // metadata
      if (head == 0x676e696b6e696874) return KEY_THINKING; // thinking
      return -1;
    }
    case 9: {
      const tail = load<u64>(at, 1);
      if (head == 0x6b6361626c6c6166 && tail == 0x736b6361626c6c61) return KEY_FALLBACKS; // fallbacks
      if (head == 0x656e6961746e6f63 && tail == 0x72656e6961746e6f) return KEY_CONTAINER; // container
      return -1;
    }
    case 10: {
      const tail = load<u64>(at, 2);
      if (head == 0x656b6f745f78616d && tail == 0x736e656b6f745f78) return KEY_MAX_TOKENS; // max_tokens
      if (head == 0x69746361706d6f63 && tail == 0x6e6f69746361706d) return KEY_COMPACTION; // compaction
      return -1;
    }
    case 11: {
      const tail = load<u64>(at, 3);
      if (head == 0x6f68635f6c6f6f74 && tail == 0x6563696f68635f6c) return KEY_TOOL_CHOICE; // tool_choice
      if (head == 0x767265735f70636d && tail == 0x737265767265735f) return KEY_MCP_SERVERS; // mcp_servers
      return -1;
    }
    case 12: {
      const tail = load<u64>(at, 4);
      if (head == 0x5f65636976726573 && tail == 0x726569745f656369) return KEY_SERVICE_TIER; // service_tier
      return -1;
    }
    case 13: {
      const tail = load<u64>(at, 5);
      if (head == 0x635f74757074756f && tail == 0x6769666e6f635f74) return KEY_OUTPUT_CONFIG; // output_config
      if (head == 0x6f635f6568636163 && tail == 0x6c6f72746e6f635f) return KEY_CACHE_CONTROL; // cache_control
      if (head == 0x636e657265666e69 && tail == 0x6f65675f65636e65) return KEY_INFERENCE_GEO; // inference_geo
      return -1;
    }
    case 18: {
      if (head != 0x5f747865746e6f63) return -1;
      const tail = load<u64>(at, 10);
      if (tail == 0x746e656d6567616e && load<u64>(at, 8) == 0x656d6567616e616d) return KEY_CONTEXT_MANAGEMENT; // context_management
      return -1;
    }
    default: return -1;
  }
}

/** The nested key of `length` bytes at `at`, or `NESTED_NONE`. */
export function nestedKey(at: usize, length: i32): u32 {
  const head = load<u64>(at);
  switch (length) {
    case 3: {
      const text = head & 0xffffff;
      if (text == 0x6c7474) return NESTED_TTL; // ttl
      return NESTED_NONE;
    }
    case 4: {
      const text = head & 0xffffffff;
      if (text == 0x65707974) return NESTED_TYPE; // type
      return NESTED_NONE;
    }
    case 5: {
      const text = head & 0xffffffffff;
      if (text == 0x7475706e69) return NESTED_INPUT; // input
      if (text == 0x6c65646f6d) return NESTED_MODEL; // model
      if (text == 0x6465657073) return NESTED_SPEED; // speed
      return NESTED_NONE;
    }
    case 7: {
      const text = head & 0xffffffffffffff;
      if (text == 0x746e65746e6f63) return NESTED_CONTENT; // content
      if (text == 0x64695f656c6966) return NESTED_OPAQUE; // file_id
      if (text == 0x676e6968636163) return NESTED_CACHE_CONTROL; // caching
      return NESTED_NONE;
    }
    case 8: {
      if (head == 0x736573755f78616d) return NESTED_MAX_USES; // max_uses
      return NESTED_NONE;
    }
    case 10: {
      const tail = load<u64>(at, 2);
      if (head == 0x656b6f745f78616d && tail == 0x736e656b6f745f78) return NESTED_MAX_TOKENS; // max_tokens
      if (head == 0x6974696e69666564 && tail == 0x6e6f6974696e6966) return NESTED_DEFINITION; // definition
      return NESTED_NONE;
    }
    case 12: {
      const tail = load<u64>(at, 4);
      if (head == 0x63735f7475706e69 && tail == 0x616d656863735f74) return NESTED_TOOL_ARGUMENTS; // input_schema
      return NESTED_NONE;
    }
    case 13: {
      const tail = load<u64>(at, 5);
      if (head == 0x6f635f6568636163 && tail == 0x6c6f72746e6f635f) return NESTED_CACHE_CONTROL; // cache_control
      return NESTED_NONE;
    }
    case 14: {
      const tail = load<u64>(at, 6);
      if (head == 0x78655f7475706e69 && tail == 0x73656c706d617865) return NESTED_TOOL_ARGUMENTS; // input_examples
      return NESTED_NONE;
    }
    case 16: {
      const tail = load<u64>(at, 8);
      if (head == 0x6574707972636e65 && tail == 0x74756f6474735f64) return NESTED_OPAQUE; // encrypted_stdout
      return NESTED_NONE;
    }
    case 17: {
      if (head != 0x6574707972636e65) return NESTED_NONE;
      const tail = load<u64>(at, 9);
      if (tail == 0x746e65746e6f635f && load<u64>(at, 8) == 0x6e65746e6f635f64) return NESTED_OPAQUE; // encrypted_content
      return NESTED_NONE;
    }
    default: return NESTED_NONE;
  }
}

function hexDigit(byte: u32): i32 {
  if (byte - 0x30 < 10) return byte - 0x30;
  const letter = (byte | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : -1;
}

/**
 * Decodes a key that holds escapes into `SCRATCH` and returns its length; 0 where it cannot be one of
 * the names here, which are letters and underscores: only `\u00..` spells those.
 */
export function decodeKey(at: usize, length: i32): i32 {
  if (length > ESCAPED_KEY_MAX) return 0;
  const end = at + length;
  let count: usize = 0;
  while (at < end) {
    let byte = <u32>load<u8>(at++);
    if (byte == BACKSLASH) {
      const high = hexDigit(load<u8>(at, 3));
      const low = hexDigit(load<u8>(at, 4));
      if (load<u8>(at) != 0x75 || load<u16>(at, 1) != 0x3030 || high < 0 || low < 0) return 0;
      byte = (high << 4) | low;
      at += 5;
    }
    if (count == NAME_MAX) return 0;
    store<u8>(SCRATCH + count++, byte);
  }
  return <i32>count;
}

export function decodedTopLevelKey(at: usize, length: i32): i32 {
  return topLevelKey(SCRATCH, decodeKey(at, length));
}

export function decodedNestedKey(at: usize, length: i32): u32 {
  return nestedKey(SCRATCH, decodeKey(at, length));
}
