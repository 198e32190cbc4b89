/** The compiled scanner in its memory: takes a body's chunks, hands back words. Knows no meaning. */
import {
  BODY_AT,
  PADDING_BYTES,
  RESULT_AT,
  TOOLS_AT,
  TOOL_BYTES,
  TYPES_AT,
  WORD_FIELDS,
} from "./scanner-layout.ts";
import { SCANNER_WASM_BASE64 } from "./scanner-wasm.ts";

/** Memory grown beyond this by a large body is given back after its scan. */
const KEPT_MEMORY_BYTES = 16 * 1024 * 1024;
const PAGE_BYTES = 65536;
const SPACE = 0x20;
const WORD_BYTES = 4;

/** The part of the WebAssembly API used here; Node's types leave it to the browser's. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

/** What scripts/wasm/scanner.as exports. */
interface ScannerExports {
  readonly memory: { readonly buffer: ArrayBuffer; readonly grow: (pages: number) => number };
  readonly scan: (byteLength: number) => void;
}

interface ScannerInstance extends ScannerExports {
  bytes: Buffer;
  words: Uint32Array;
}

/** What the last scan found, readable until `use` returns: offsets count from the body's start. */
export class ScanView {
  readonly byteLength: number;
  readonly #bytes: Buffer;
  readonly #words: Uint32Array;

  constructor(
    { bytes, words }: { readonly bytes: Buffer; readonly words: Uint32Array },
    byteLength: number,
  ) {
    this.byteLength = byteLength;
    this.#bytes = bytes;
    this.#words = words;
  }

  /** A word of the result, by its name in the layout. */
  word(index: number): number {
    return this.#words[RESULT_AT / WORD_BYTES + index] ?? 0;
  }

  /** Start and end of a key's value; null where the key is missing. */
  field(key: number): Range | null {
    const start = this.word(WORD_FIELDS + 2 * key);
    return start === 0 ? null : { start, end: this.word(WORD_FIELDS + 2 * key + 1) };
  }

  /** The first byte of a key's value; 0 where the key is missing. */
  firstByte(key: number): number {
    const start = this.word(WORD_FIELDS + 2 * key);
    return start === 0 ? 0 : this.byte(start);
  }

  /** A `type` value that the scanner does not know, without its quotes. */
  typeRange(index: number): Range {
    const at = TYPES_AT / WORD_BYTES + 2 * index;
    return { start: this.#words[at] ?? 0, end: this.#words[at + 1] ?? 0 };
  }

  /** A word of a tool's record, by its name in the layout. */
  toolWord(index: number, word: number): number {
    return this.#words[(TOOLS_AT + index * TOOL_BYTES) / WORD_BYTES + word] ?? 0;
  }

  byte(offset: number): number {
    return this.#bytes[BODY_AT + offset] ?? 0;
  }

  /** The bytes of a range, one character each. */
  latin1(start: number, end: number): string {
    return this.#bytes.toString("latin1", BODY_AT + start, BODY_AT + end);
  }

  utf8(start: number, end: number): string {
    return this.#bytes.toString("utf8", BODY_AT + start, BODY_AT + end);
  }
}

interface Range {
  readonly start: number;
  readonly end: number;
}

const scannerModule = new WebAssembly.Module(Buffer.from(SCANNER_WASM_BASE64, "base64"));
let kept: ScannerInstance | null = null;

function openInstance(): ScannerInstance {
  const { memory, scan } = new WebAssembly.Instance(scannerModule).exports as ScannerExports;
  return {
    memory,
    scan,
    bytes: Buffer.from(memory.buffer),
    words: new Uint32Array(memory.buffer),
  };
}

function ensureMemory(instance: ScannerInstance, bodyBytes: number): void {
  const missing = BODY_AT + bodyBytes + PADDING_BYTES - instance.bytes.length;
  if (missing <= 0) return;
  // By half again, so that bodies that grow turn by turn do not grow the memory each time.
  const growth = Math.max(missing, instance.bytes.length >> 1);
  instance.memory.grow(Math.ceil(growth / PAGE_BYTES));
  instance.bytes = Buffer.from(instance.memory.buffer);
  instance.words = new Uint32Array(instance.memory.buffer);
}

function copyIn(instance: ScannerInstance, chunks: readonly Buffer[]): void {
  let at = BODY_AT;
  for (const chunk of chunks) {
    instance.bytes.set(chunk, at);
    at += chunk.length;
  }
  instance.bytes.fill(SPACE, at, at + PADDING_BYTES);
}

/**
 * Copies the chunks into the scanner's memory, scans them in one pass and hands what was found to `use`,
 * whose result is returned. The view is void afterwards. The chunks are neither changed nor kept.
 */
export function withScan<Result>(
  chunks: readonly Buffer[],
  use: (view: ScanView) => Result,
): Result {
  let byteLength = 0;
  for (const chunk of chunks) byteLength += chunk.length;
  const instance = kept ?? openInstance();
  kept = null;
  ensureMemory(instance, byteLength);
  copyIn(instance, chunks);
  instance.scan(byteLength);
  const result = use(new ScanView(instance, byteLength));
  if (instance.bytes.length <= KEPT_MEMORY_BYTES) kept = instance;
  return result;
}
