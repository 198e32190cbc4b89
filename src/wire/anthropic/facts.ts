/** Makes the bound's facts out of what a scan found; in doubt it takes the dearer reading. */
import type { BodyFacts, ServerTool } from "../../core/body-facts.ts";
import type { ScanView } from "../scanner.ts";
import {
  FLAG_CACHE_1H,
  FLAG_CACHE_MARKER,
  FLAG_OBSCURED,
  FLAG_OPAQUE_INPUT,
  KEY_CACHE_CONTROL,
  KEY_COMPACTION,
  KEY_CONTAINER,
  KEY_CONTEXT_MANAGEMENT,
  KEY_FALLBACKS,
  KEY_INFERENCE_GEO,
  KEY_MESSAGES,
  KEY_SERVICE_TIER,
  KEY_SPEED,
  KEY_SYSTEM,
  KEY_THREAD,
  TOOL_MAX_USES_END,
  TOOL_MAX_USES_START,
  TOOL_MCP,
  TOOL_MODEL_END,
  TOOL_MODEL_START,
  TOOL_OPEN,
  TOOL_TYPE_END,
  TOOL_TYPE_START,
  WORD_FLAGS,
  WORD_IMAGES,
  WORD_NON_ASCII,
  WORD_TOOLS,
  WORD_TOOL_RECORDS,
  WORD_TYPES,
  WORD_UNICODE_ESCAPES,
} from "../scanner-layout.ts";
import { isCompactionEdit, isServerRun, meaningOf } from "./block-type.ts";
import type { ByteRange, MessagesBody } from "./body.ts";
import { countOf, isObject, parseJson, parseRange, stringOf } from "./value.ts";

/** A list of fallback models is short; a longer one is taken for the dearest. */
const FALLBACKS_MAX_BYTES = 16 * 1024;
const LETTER_N = 0x6e;

/** Facts while they are gathered. */
interface Draft {
  images: number;
  opaqueInput: boolean;
  compaction: boolean;
  fast: boolean;
  obscured: boolean;
}

interface Tools {
  readonly serverTools: ServerTool[];
  readonly maxUses: MessagesBody["maxUses"][number][];
  readonly clientTools: string[];
  providerTools: number;
}

/** What the bound needs to know, and where `max_uses` of each server tool stands. */
export function factsOf(view: ScanView): Pick<MessagesBody, "facts" | "maxUses"> {
  const flags = view.word(WORD_FLAGS);
  const draft: Draft = {
    images: view.word(WORD_IMAGES),
    opaqueInput:
      (flags & FLAG_OPAQUE_INPUT) !== 0 ||
      isPresent(view, KEY_CONTAINER) ||
      isPresent(view, KEY_THREAD),
    compaction: isPresent(view, KEY_COMPACTION),
    fast: mayBeFast(view),
    obscured: (flags & FLAG_OBSCURED) !== 0,
  };
  if (view.word(WORD_TYPES) > 0) readTypes(view, draft);
  const tools = readTools(view, draft);
  const fallbacks = readFallbacks(view, draft);
  const nonAsciiBytes = view.word(WORD_NON_ASCII);
  const facts: BodyFacts = {
    asciiBytes: view.byteLength - nonAsciiBytes,
    nonAsciiBytes,
    unicodeEscapes: view.word(WORD_UNICODE_ESCAPES),
    tools: view.word(WORD_TOOLS),
    serverTools: tools.serverTools,
    providerTools: tools.providerTools,
    ...(tools.clientTools.length > 0 ? { clientTools: tools.clientTools } : {}),
    images: draft.images,
    opaqueInput: draft.opaqueInput,
    cacheMarkers: markersOf(view, flags),
    compaction: draft.compaction,
    fallbacks,
    fast: draft.fast,
    inferenceGeo: stringOf(view, view.field(KEY_INFERENCE_GEO)),
    serviceTier: stringOf(view, view.field(KEY_SERVICE_TIER)),
    obscured: draft.obscured,
  };
  return { facts, maxUses: tools.maxUses };
}

/** Present, and not `null`: the scan has checked that what starts with its letter is the literal. */
function isPresent(view: ScanView, key: number): boolean {
  const byte = view.firstByte(key);
  return byte !== 0 && byte !== LETTER_N;
}

function mayBeFast(view: ScanView): boolean {
  return isPresent(view, KEY_SPEED) && stringOf(view, view.field(KEY_SPEED)) !== "standard";
}

function markersOf(view: ScanView, flags: number): BodyFacts["cacheMarkers"] {
  if ((flags & FLAG_CACHE_1H) !== 0) return "1h";
  return (flags & FLAG_CACHE_MARKER) !== 0 || isPresent(view, KEY_CACHE_CONTROL) ? "5m" : "none";
}

function contains(range: ByteRange | null, offset: number): boolean {
  return range !== null && range.start <= offset && offset < range.end;
}

/** Judges the `type` values that the scanner did not know. */
function readTypes(view: ScanView, draft: Draft): void {
  const count = view.word(WORD_TYPES);
  const messages = view.field(KEY_MESSAGES);
  const system = view.field(KEY_SYSTEM);
  const contextManagement = view.field(KEY_CONTEXT_MANAGEMENT);
  for (let index = 0; index < count; index++) {
    const { start, end } = view.typeRange(index);
    const text = view.latin1(start, end);
    const isEscaped = text.includes("\\");
    const type = isEscaped ? parseJson(`"${text}"`) : text;
    const meaning = typeof type === "string" ? meaningOf(type) : "unknown";
    if (isEscaped && meaning !== "plain") draft.obscured = true;
    if (meaning === "image") draft.images += 1;
    else if (meaning === "opaque") draft.opaqueInput = true;
    else if (meaning === "compaction") draft.compaction = true;
    else if (meaning === "unknown") {
      if (contains(messages, start) || contains(system, start)) draft.opaqueInput = true;
      if (contains(contextManagement, start) && isCompactionEdit(String(type)))
        draft.compaction = true;
    }
  }
}

function readTools(view: ScanView, draft: Draft): Tools {
  const tools: Tools = { serverTools: [], maxUses: [], clientTools: [], providerTools: 0 };
  const count = view.word(WORD_TOOL_RECORDS);
  for (let index = 0; index < count; index++) readTool(view, index, { draft, tools });
  return tools;
}

function readTool(
  view: ScanView,
  index: number,
  { draft, tools }: { readonly draft: Draft; readonly tools: Tools },
): void {
  const range = (startWord: number, endWord: number): ByteRange | null => {
    const start = view.toolWord(index, startWord);
    return start === 0 ? null : { start, end: view.toolWord(index, endWord) };
  };
  const insertAt = view.toolWord(index, TOOL_OPEN) + 1;
  if (view.toolWord(index, TOOL_MCP) === 1) {
    tools.serverTools.push({ type: "mcp", maxUses: null, model: null });
    tools.maxUses.push({ value: null, insertAt });
    return;
  }
  const typeRange = range(TOOL_TYPE_START, TOOL_TYPE_END);
  const type = stringOf(view, typeRange);
  if (
    type === null ||
    (typeRange !== null && type.length + 2 !== typeRange.end - typeRange.start)
  ) {
    draft.obscured = true;
  }
  tools.providerTools += 1;
  if (type !== null && !isServerRun(type)) {
    tools.clientTools.push(type);
    return;
  }
  const value = range(TOOL_MAX_USES_START, TOOL_MAX_USES_END);
  const maxUses = countOf(view, value);
  if (value !== null && maxUses === null && view.latin1(value.start, value.end) !== "null") {
    draft.obscured = true;
  }
  const model = stringOf(view, range(TOOL_MODEL_START, TOOL_MODEL_END));
  tools.serverTools.push({ type: type ?? "unreadable", maxUses, model });
  tools.maxUses.push({ value, insertAt });
}

/** Entries that say more than their model's name are part of the worst case, or of `fast`. */
function readFallbacks(view: ScanView, draft: Draft): BodyFacts["fallbacks"] {
  if (!isPresent(view, KEY_FALLBACKS)) return [];
  const fallbacks = parseRange(view, view.field(KEY_FALLBACKS), FALLBACKS_MAX_BYTES);
  if (fallbacks === "default") return "default";
  const models: string[] = [];
  for (const entry of Array.isArray(fallbacks) ? fallbacks : [null]) {
    const model = isObject(entry) ? entry["model"] : null;
    if (!isObject(entry) || typeof model !== "string") {
      draft.obscured = true;
      return "default";
    }
    if (entry["speed"] !== undefined && entry["speed"] !== null && entry["speed"] !== "standard") {
      draft.fast = true;
    }
    models.push(model);
  }
  return models;
}
