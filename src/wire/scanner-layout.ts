/** Where the scanner and its caller meet in memory: compiled into both, so they cannot disagree. */

/** 32-bit words: what one scan found. Cleared at its start. */
export const RESULT_AT = 0x1000;
/** Pairs of words: start and end of the `type` values that the scanner does not know. */
export const TYPES_AT = 0x2000;
export const TYPES_MAX = 4096;
/** Eight words for each tool entry that names a provider-defined type, and each MCP server. */
export const TOOLS_AT = 0x10000;
export const TOOLS_MAX = 10000;
export const TOOL_BYTES = 32;
/** One word for each open bracket. */
export const FRAMES_AT = 0x60000;
export const DEPTH_MAX = 0x40000;
/** The body's first byte; all offsets that leave the scanner count from here. */
export const BODY_AT = 0x160000;
/** Spaces that the caller writes after the body, so that wide loads read no stale bytes. */
export const PADDING_BYTES = 128;

/** Words of the result. */
export const WORD_FAULT = 0;
export const WORD_FAULT_OFFSET = 1;
/** The key of a duplicate, as an index into the keys. */
export const WORD_FAULT_KEY = 2;
export const WORD_NON_ASCII = 3;
export const WORD_UNICODE_ESCAPES = 4;
export const WORD_TOOLS = 5;
export const WORD_IMAGES = 6;
export const WORD_FLAGS = 7;
export const WORD_TOOL_RECORDS = 8;
export const WORD_TYPES = 9;
/** The root object's closing brace. */
export const WORD_CLOSE = 10;
/** Top-level entries, unknown keys included. */
export const WORD_ENTRIES = 11;
/** Start and end of each key's value in turn; both 0 where it is missing. */
export const WORD_FIELDS = 12;
export const FIELD_COUNT = 20;
export const RESULT_WORDS = 52;

/** Keys of the top level, in the order of their words. */
export const KEY_MODEL = 0;
export const KEY_STREAM = 1;
export const KEY_MAX_TOKENS = 2;
export const KEY_THINKING = 3;
export const KEY_METADATA = 4;
export const KEY_TOOLS = 5;
export const KEY_TOOL_CHOICE = 6;
export const KEY_SPEED = 7;
export const KEY_INFERENCE_GEO = 8;
export const KEY_SERVICE_TIER = 9;
export const KEY_CONTEXT_MANAGEMENT = 10;
export const KEY_OUTPUT_CONFIG = 11;
export const KEY_MCP_SERVERS = 12;
export const KEY_CACHE_CONTROL = 13;
export const KEY_FALLBACKS = 14;
export const KEY_CONTAINER = 15;
export const KEY_SYSTEM = 16;
export const KEY_MESSAGES = 17;
/** Server-held conversation state, and compaction on demand: their presence is all that counts. */
export const KEY_THREAD = 18;
export const KEY_COMPACTION = 19;

export const FLAG_CACHE_MARKER = 1;
export const FLAG_CACHE_1H = 2;
export const FLAG_OPAQUE_INPUT = 4;
export const FLAG_OBSCURED = 8;

/** Words of a tool's record; offsets count from the body's start, 0 means missing. */
export const TOOL_OPEN = 0;
export const TOOL_TYPE_START = 1;
export const TOOL_TYPE_END = 2;
export const TOOL_MAX_USES_START = 3;
export const TOOL_MAX_USES_END = 4;
export const TOOL_MODEL_START = 5;
export const TOOL_MODEL_END = 6;
/** 1 for an entry of `mcp_servers`. */
export const TOOL_MCP = 7;

export const FAULT_NONE = 0;
export const FAULT_EMPTY = 1;
export const FAULT_BOM = 2;
export const FAULT_NOT_OBJECT = 3;
export const FAULT_TRUNCATED = 4;
export const FAULT_TRUNCATED_STRING = 5;
export const FAULT_KEY = 6;
export const FAULT_COLON = 7;
export const FAULT_VALUE = 8;
export const FAULT_COMMA = 9;
export const FAULT_TRAILING = 10;
export const FAULT_CONTROL = 11;
export const FAULT_ESCAPE = 12;
export const FAULT_NUMBER = 13;
export const FAULT_LITERAL = 14;
export const FAULT_BRACKET = 15;
export const FAULT_DEPTH = 16;
export const FAULT_DUPLICATE = 17;
