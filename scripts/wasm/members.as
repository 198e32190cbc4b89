/** What a member below the top level means, once its key and the place of its value are known. */
import {
  FLAG_CACHE_1H, FLAG_CACHE_MARKER, FLAG_OBSCURED, FLAG_OPAQUE_INPUT, TOOLS_AT, TOOLS_MAX,
  TOOL_BYTES, TOOL_MAX_USES_END, TOOL_MAX_USES_START, TOOL_MCP, TOOL_MODEL_END, TOOL_MODEL_START,
  TOOL_OPEN, TOOL_TYPE_END, TOOL_TYPE_START, WORD_IMAGES, WORD_TOOLS, WORD_TOOL_RECORDS,
} from "../../src/wire/scanner-layout";
import {
  NESTED_CACHE_CONTROL, NESTED_CONTENT, NESTED_DEFINITION, NESTED_INPUT, NESTED_MAX_USES, NESTED_MODEL,
  NESTED_OPAQUE, NESTED_TOOL_ARGUMENTS, NESTED_TTL, NESTED_TYPE,
} from "./keys";
import { BACKSLASH, OPEN_BRACE, OPEN_BRACKET, QUOTE, addFlag, clearTypes, offset, reportType, setWord, word } from "./result";

/** What an open bracket stands for. Whatever has no name of its own is `PLAIN`. */
export const PLAIN: u32 = 0;
/** Arguments and schemas of tools: the provider reads them as text, so nothing in them is a marker. */
export const ARGUMENTS: u32 = 1;
export const TOOLS: u32 = 2;
export const TOOL: u32 = 3;
export const MCP_SERVERS: u32 = 4;
export const MCP_SERVER: u32 = 5;
export const MESSAGES: u32 = 6;
export const MESSAGE: u32 = 7;
export const CONTENT: u32 = 8;
export const BLOCK: u32 = 9;
/** "Whatever the bracket around it makes of it." */
export const INHERITED: u32 = 15;

/** A value that is looked at is at most this long: `type`, `max_uses`, `ttl`, an advisor's model. */
const VALUE_MAX: usize = 512;

const TEXT: u64 = 0x22_74_78_65_74; // text"
const IMAGE: u64 = 0x22_65_67_61_6d_69; // image"
const BASE64: u64 = 0x22_34_36_65_73_61_62; // base64"
const CUSTOM: u64 = 0x22_6d_6f_74_73_75_63; // custom"
const DIRECT: u64 = 0x22_74_63_65_72_69_64; // direct"
const TOOL_USE: u64 = 0x65_73_75_5f_6c_6f_6f_74; // tool_use
const THINKING: u64 = 0x67_6e_69_6b_6e_69_68_74; // thinking
const TOOL_RES: u64 = 0x73_65_72_5f_6c_6f_6f_74; // tool_res
const ULT: u32 = 0x22_74_6c_75; // ult"
const EPHEMERA: u64 = 0x61_72_65_6d_65_68_70_65; // ephemera
const L: u32 = 0x22_6c; // l"
const NULL: u32 = 0x6c_6c_75_6e; // null
const FIVE_MINUTES: u32 = 0x22_6d_35_22; // "5m"

/** What a bracket inside one that stands for `parent` stands for. Arguments are never looked into. */
export function childOf(parent: u32, isObject: bool): u32 {
  if (!isObject) return PLAIN;
  if (parent == TOOLS || parent == MCP_SERVERS || parent == MESSAGES || parent == CONTENT) return parent + 1;
  return PLAIN;
}

/** The tool or MCP server that is open; `toolOpen` is 0 where none is. They do not nest. */
let toolOpen: usize = 0;
let toolMcp: u32 = 0;
let typeStart: usize = 0;
let typeEnd: usize = 0;
let maxUsesStart: usize = 0;
let maxUsesEnd: usize = 0;
let modelStart: usize = 0;
let modelEnd: usize = 0;

/** Messages may define tools besides the top-level list. */
let mayDefineTools: bool = false;

/** Forgets the field before; the next one stands for `kind`. */
export function beginField(kind: u32): void {
  toolOpen = 0;
  mayDefineTools = kind == MESSAGES;
  clearTypes();
}

export function openTool(at: usize, kind: u32): void {
  if (toolOpen != 0) return addFlag(FLAG_OBSCURED);
  toolOpen = at;
  toolMcp = kind == MCP_SERVER ? 1 : 0;
  typeStart = maxUsesStart = modelStart = 0;
  typeEnd = maxUsesEnd = modelEnd = 0;
  if (toolMcp == 0) setWord(WORD_TOOLS, word(WORD_TOOLS) + 1);
}

// @ts-ignore: decorator
@inline
function setRecord(record: usize, index: usize, at: usize): void {
  store<u32>(record + (index << 2), at == 0 ? 0 : offset(at));
}

export function closeTool(): void {
  if (toolOpen == 0) return;
  const isRecorded = toolMcp != 0 || typeStart != 0;
  const count = word(WORD_TOOL_RECORDS);
  if (isRecorded && count == TOOLS_MAX) addFlag(FLAG_OBSCURED);
  else if (isRecorded) {
    const record = <usize>TOOLS_AT + <usize>count * <usize>TOOL_BYTES;
    setRecord(record, TOOL_OPEN, toolOpen);
    setRecord(record, TOOL_TYPE_START, typeStart);
    setRecord(record, TOOL_TYPE_END, typeEnd);
    setRecord(record, TOOL_MAX_USES_START, maxUsesStart);
    setRecord(record, TOOL_MAX_USES_END, maxUsesEnd);
    setRecord(record, TOOL_MODEL_START, modelStart);
    setRecord(record, TOOL_MODEL_END, modelEnd);
    store<u32>(record + (<usize>TOOL_MCP << 2), toolMcp);
    setWord(WORD_TOOL_RECORDS, count + 1);
  }
  toolOpen = 0;
}

/** End of a short scalar that starts at `at`, quotes included; 0 where it is none or too long. */
function scalarEnd(at: usize): usize {
  const limit = at + VALUE_MAX;
  const isString = <u32>load<u8>(at) == QUOTE;
  if (isString) {
    for (let next = at + 1; next < limit; next++) {
      const byte = <u32>load<u8>(next);
      if (byte == QUOTE) return next + 1;
      if (byte == BACKSLASH) next++;
    }
    return 0;
  }
  for (let next = at; next < limit; next++) {
    const byte = <u32>load<u8>(next);
    // Anything that a number or a literal cannot hold ends it.
    const isPart = byte - 0x30 < 10 || (byte | 0x20) - 0x61 < 26 || byte == 0x2b || byte == 0x2d || byte == 0x2e;
    if (!isPart) return next == at ? 0 : next;
  }
  return 0;
}

function isHarmlessType(at: usize): bool {
  const head = load<u64>(at);
  if ((head & 0xff_ffff_ffff) == TEXT) return true;
  if (head == TOOL_USE || head == THINKING) return <u32>load<u8>(at, 8) == QUOTE;
  if (head == TOOL_RES) return load<u32>(at, 8) == ULT;
  if (head == EPHEMERA) return <u32>load<u16>(at, 8) == L;
  const short = head & 0xff_ffff_ffff_ffff;
  return short == BASE64 || short == DIRECT;
}

/** `at` is the value's first byte. */
function typeMember(at: usize, kind: u32): void {
  const byte = <u32>load<u8>(at);
  if (kind == TOOL && toolOpen != 0) {
    if (byte == QUOTE && (load<u64>(at, 1) & 0xff_ffff_ffff_ffff) == CUSTOM) return;
    if (load<u32>(at) == NULL) return;
    const end = byte == QUOTE ? scalarEnd(at) : 0;
    if (end == 0) return addFlag(FLAG_OBSCURED);
    typeStart = at;
    typeEnd = end;
    return;
  }
  if (byte != QUOTE || kind == MCP_SERVER) return;
  if (isHarmlessType(at + 1)) return;
  if ((load<u64>(at, 1) & 0xffff_ffff_ffff) == IMAGE) return setWord(WORD_IMAGES, word(WORD_IMAGES) + 1);
  const end = scalarEnd(at);
  reportType(at + 1, end == 0 ? at + VALUE_MAX : end - 1);
}

function cacheMember(at: usize): void {
  if (load<u32>(at) != NULL) addFlag(FLAG_CACHE_MARKER);
}

function maxUsesMember(at: usize): void {
  if (toolOpen == 0) return;
  const end = scalarEnd(at);
  if (end == 0) return addFlag(FLAG_OBSCURED);
  maxUsesStart = at;
  maxUsesEnd = end;
}

function modelMember(at: usize): void {
  if (toolOpen == 0 || <u32>load<u8>(at) != QUOTE) return;
  const end = scalarEnd(at);
  if (end == 0) return addFlag(FLAG_OBSCURED);
  modelStart = at;
  modelEnd = end;
}

/**
 * Takes note of a member of a bracket that stands for `kind`; `at` is its value's first byte.
 *
 * @returns what the value stands for if it is a bracket.
 */
export function member(key: u32, at: usize, kind: u32): u32 {
  const byte = <u32>load<u8>(at);
  if (key == NESTED_TYPE) typeMember(at, kind);
  else if (key == NESTED_CONTENT) return kind == MESSAGE && byte == OPEN_BRACKET ? CONTENT : INHERITED;
  else if (key == NESTED_INPUT) return kind == BLOCK ? ARGUMENTS : INHERITED;
  else if (key == NESTED_TOOL_ARGUMENTS) return kind == TOOL ? ARGUMENTS : INHERITED;
  else if (key == NESTED_CACHE_CONTROL) cacheMember(at);
  else if (key == NESTED_TTL) {
    if (load<u32>(at) != FIVE_MINUTES && load<u32>(at) != NULL) addFlag(FLAG_CACHE_1H);
  } else if (key == NESTED_MAX_USES && kind == TOOL) maxUsesMember(at);
  else if (key == NESTED_MODEL && kind == TOOL) modelMember(at);
  else if (key == NESTED_OPAQUE) {
    if (byte == QUOTE) addFlag(FLAG_OPAQUE_INPUT);
  } else if (key == NESTED_DEFINITION && byte == OPEN_BRACE && mayDefineTools && kind != TOOL) return TOOL;
  return INHERITED;
}
