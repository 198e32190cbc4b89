/** Reads the plain part of YAML that configurations are written in, some ten times as fast as all of YAML. */
import type { Path } from "./fault.ts";

/**
 * Block maps and lists, flow maps and lists on one line (a file that is one flow value, such as JSON, may
 * break lines anywhere), texts without escapes, comments. Whatever else is there, and all that is
 * faulty, is left to the YAML parser: tabs, anchors, tags, empty values, repeated keys, several documents.
 */
export interface PlainYaml {
  readonly root: unknown;
  /** As `offsetOf` of a parsed document. */
  readonly offsetOf: (path: Path, part: "key" | "value") => number;
}

const KEY = /([A-Za-z_][\w.-]{0,127}):(?=[ \n])/y;
const QUOTED_KEY = /"([^"\\\n]{1,128})": */y;
const DOUBLE_QUOTED = /"([^"\\\n]*)"/y;
const SINGLE_QUOTED = /'([^'\n]*)'(?!')/y;
/** Words of harmless characters. A colon joins two of them; a space after it would make a key. */
const PLAIN = /[A-Za-z0-9_/](?:[\w./@+*-]|:(?=[\w./@+*-]))*(?: +(?:[\w./@+*-]|:(?=[\w./@+*-]))+)*/y;
const LINE_END = / *(?: #[^\n]*)?(?:\n|$)/y;
const NOTHING_MORE = /(?: *(?:#[^\n]*)?\n)*(?: *(?:#[^\n]*)?$)?/y;
const SPACES = / */y;
const SPACES_AND_LINES = /[ \n]*/y;
/** Control characters, tabs and what YAML or a terminal takes for a line break or mark. */
const STRANGE = /[^\n\x20-\x7e\u00a1-\u2027\u2030-\ud7ff\ue000-\ufefe]/;

const INTEGER = /^(?:0|[1-9]\d{0,14})$/;
const DECIMAL = /^\d{1,15}\.\d{1,15}$/;
/** Other numbers: the YAML parser knows how they read. */
const ODD_NUMBER = /^\d+\.?\d*(?:[eE][-+]?\d+)?$|^0[xo]/;
const TRUTH: ReadonlyMap<string, boolean> = new Map([
  ...(["true", "True", "TRUE"] as const).map((word) => [word, true] as const),
  ...(["false", "False", "FALSE"] as const).map((word) => [word, false] as const),
]);
const NULLS: ReadonlySet<string> = new Set(["null", "Null", "NULL"]);
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set([...NULLS, "__proto__", "<<"]);
const DEPTH_MAX = 32;

/**
 * The plain values of `text`; null where it is not plain.
 *
 * @param exactFields Numbers under these keys keep the text that the file has.
 */
export function readPlainYaml(text: string, exactFields: ReadonlySet<string>): PlainYaml | null {
  if (STRANGE.test(text)) return null;
  const root = readRoot(text, exactFields, null);
  if (root === null) return null;
  let placed: Placed | null = null;
  return {
    root: root.value,
    // Positions are asked for in faulty files only, which pay for a second reading.
    offsetOf(path, part) {
      placed ??= place(text, exactFields);
      return offsetIn(placed, path, part);
    },
  };
}

/** Where the values of a container begin, and its keys. */
interface Place {
  readonly key: number;
  readonly value: number;
}
type Places = Map<object, Map<string | number, Place>>;

interface Placed {
  readonly value: unknown;
  readonly start: number;
  readonly places: Places;
}

function place(text: string, exactFields: ReadonlySet<string>): Placed {
  const places: Places = new Map();
  return { ...(readRoot(text, exactFields, places) ?? { value: null, start: 0 }), places };
}

function offsetIn(placed: Placed, path: Path, part: "key" | "value"): number {
  let { value, start } = placed;
  for (const [depth, segment] of path.entries()) {
    const found = isContainer(value) ? placed.places.get(value)?.get(segment) : undefined;
    if (found === undefined || !isContainer(value)) return start;
    start = depth === path.length - 1 && part === "key" ? found.key : found.value;
    value = value[segment];
  }
  return start;
}

function isContainer(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
}

/** Thrown inside of this file where the text is not plain. */
const NOT_PLAIN = new Error("not plain");

function readRoot(
  text: string,
  exactFields: ReadonlySet<string>,
  places: Places | null,
): { readonly value: unknown; readonly start: number } | null {
  const reader = new PlainReader(text, exactFields, places);
  try {
    return reader.root();
  } catch (error) {
    if (error === NOT_PLAIN) return null;
    throw error;
  }
}

/** A walk over the text. In a block, `#at` is the first character of a line that is not a space. */
class PlainReader {
  readonly #text: string;
  readonly #exactFields: ReadonlySet<string>;
  readonly #places: Places | null;
  #at = 0;
  /** Spaces before `#at` in its line; -1 at the end of the text. */
  #indent = 0;
  #depth = 0;
  #linesInFlow = false;

  constructor(text: string, exactFields: ReadonlySet<string>, places: Places | null) {
    this.#text = text;
    this.#exactFields = exactFields;
    this.#places = places;
  }

  root(): { readonly value: unknown; readonly start: number } {
    this.#nextLine();
    if (this.#indent !== 0) throw NOT_PLAIN;
    const start = this.#at;
    this.#linesInFlow = this.#char() === "{" || this.#char() === "[";
    const value = this.#linesInFlow ? this.#inline(null) : this.#block(null);
    if (this.#linesInFlow) this.#endLine();
    if (this.#at < this.#text.length) throw NOT_PLAIN;
    return { value, start };
  }

  #block(field: string | null): unknown {
    if (++this.#depth > DEPTH_MAX) throw NOT_PLAIN;
    const value = this.#isItem() ? this.#blockList() : this.#blockMap(field);
    this.#depth--;
    return value;
  }

  #blockMap(field: string | null): unknown {
    const indent = this.#indent;
    const map: Record<string, unknown> = {};
    while (this.#indent === indent) {
      const keyAt = this.#at;
      const key = this.#match(KEY) ?? fail();
      const valueField = field === "labels" ? null : key;
      this.#match(SPACES);
      const isNested = this.#isLineEnd();
      // An empty value, or a list that is no deeper than its key, which YAML allows.
      if (isNested && !(this.#indent > indent || (this.#indent === indent && this.#isItem())))
        throw NOT_PLAIN;
      const valueAt = this.#at;
      const value = isNested ? this.#block(valueField) : this.#inline(valueField);
      if (!isNested) this.#endLine();
      this.#add(map, key, value);
      this.#note(map, key, { key: keyAt, value: valueAt });
    }
    if (this.#indent > indent) throw NOT_PLAIN;
    return map;
  }

  #blockList(): unknown[] {
    const indent = this.#indent;
    const list: unknown[] = [];
    while (this.#indent === indent && this.#isItem()) {
      const dashAt = this.#at++;
      this.#match(SPACES);
      const valueAt = this.#at;
      // The map of an item is indented by its first key.
      this.#indent = indent + valueAt - dashAt;
      const isMap = this.#sees(KEY);
      list.push(isMap ? this.#block(null) : this.#inline(null));
      if (!isMap) this.#endLine();
      this.#note(list, list.length - 1, { key: valueAt, value: valueAt });
    }
    if (this.#indent > indent) throw NOT_PLAIN;
    return list;
  }

  /** A value that stands in its line. */
  #inline(field: string | null): unknown {
    const first = this.#char();
    if (first === '"') return this.#match(DOUBLE_QUOTED) ?? fail();
    if (first === "'") return this.#match(SINGLE_QUOTED) ?? fail();
    if (first !== "{" && first !== "[") return this.#scalar(this.#match(PLAIN) ?? fail(), field);
    if (++this.#depth > DEPTH_MAX) throw NOT_PLAIN;
    const value = first === "{" ? this.#flowMap(field) : this.#flowList();
    this.#depth--;
    return value;
  }

  #flowMap(field: string | null): unknown {
    const map: Record<string, unknown> = {};
    this.#flowItems("}", () => {
      const keyAt = this.#at;
      const key = this.#match(KEY) ?? this.#match(QUOTED_KEY) ?? fail();
      this.#match(SPACES);
      const valueAt = this.#at;
      this.#add(map, key, this.#inline(field === "labels" ? null : key));
      this.#note(map, key, { key: keyAt, value: valueAt });
    });
    return map;
  }

  #flowList(): unknown[] {
    const list: unknown[] = [];
    this.#flowItems("]", () => {
      const valueAt = this.#at;
      list.push(this.#inline(null));
      this.#note(list, list.length - 1, { key: valueAt, value: valueAt });
    });
    return list;
  }

  #flowItems(end: string, readItem: () => void): void {
    const space = this.#linesInFlow ? SPACES_AND_LINES : SPACES;
    this.#at++;
    this.#match(space);
    let more = this.#char() !== end;
    while (more) {
      readItem();
      this.#match(space);
      more = this.#char() === ",";
      if (!more) break;
      this.#at++;
      this.#match(space);
    }
    if (this.#char() !== end) throw NOT_PLAIN;
    this.#at++;
  }

  #scalar(word: string, field: string | null): unknown {
    if (INTEGER.test(word) || DECIMAL.test(word))
      return field !== null && this.#exactFields.has(field) ? word : Number(word);
    if (ODD_NUMBER.test(word) || NULLS.has(word)) throw NOT_PLAIN;
    return TRUTH.get(word) ?? word;
  }

  #add(map: Record<string, unknown>, key: string, value: unknown): void {
    if (Object.hasOwn(map, key) || FORBIDDEN_KEYS.has(key)) throw NOT_PLAIN;
    map[key] = value;
  }

  #note(container: object, segment: string | number, at: Place): void {
    if (this.#places === null) return;
    const known = this.#places.get(container) ?? new Map<string | number, Place>();
    this.#places.set(container, known.set(segment, at));
  }

  #char(): string | undefined {
    return this.#text[this.#at];
  }

  #isItem(): boolean {
    return this.#text.startsWith("- ", this.#at);
  }

  /** Goes on to the next line where nothing but a comment follows. */
  #isLineEnd(): boolean {
    // A comment needs a space before it, which has been passed.
    if (this.#char() === "#" && this.#text[this.#at - 1] === " ") this.#match(/[^\n]*/y);
    if (this.#char() !== "\n" && this.#at < this.#text.length) return false;
    this.#at++;
    this.#nextLine();
    return true;
  }

  #endLine(): void {
    if (this.#match(LINE_END) === null) throw NOT_PLAIN;
    this.#nextLine();
  }

  /** To the first character of the next line that has more than a comment. */
  #nextLine(): void {
    this.#match(NOTHING_MORE);
    const lineAt = this.#at;
    this.#match(SPACES);
    this.#indent = this.#at >= this.#text.length ? -1 : this.#at - lineAt;
  }

  #sees(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text);
  }

  /** Passes what matches here: its group, or all of it; null, and nowhere further, where nothing does. */
  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return null;
    this.#at = pattern.lastIndex;
    return match[1] ?? match[0];
  }
}

function fail(): never {
  throw NOT_PLAIN;
}
