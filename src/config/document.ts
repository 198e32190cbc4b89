/** Reads YAML into plain values, and finds the line and column of any of them again when asked. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLError,
} from "yaml";
import { createAliases } from "./alias.ts";
import { type Fault, type Path, pathText } from "./fault.ts";
import { readPlainYaml } from "./plain-yaml.ts";
import { keyText, offsetOf, pathAt, startOf, type TargetOf } from "./position.ts";

const DEPTH_MAX = 64;

/** Amounts keep the text that the file has: a float would change them. */
const EXACT_FIELDS: ReadonlySet<string> = new Set([
  "usd",
  "input",
  "output",
  "cache_read",
  "cache_write_5m",
  "cache_write_1h",
]);

interface Position {
  readonly line: number;
  readonly column: number;
}

export interface ConfigDocument {
  /** Plain values: fresh objects without prototype tricks, nothing shared between two places. */
  readonly root: unknown;
  /** Faults of the YAML itself. */
  readonly faults: readonly Fault[];
  /** False where the text is so broken that `root` would only lead to misleading faults. */
  readonly sound: boolean;
  /** Where the value at `path` begins, or its key; of the nearest that exists, where it does not. */
  readonly positionOf: (path: Path, part: "key" | "value") => Position;
}

/** What is wrong, by the parser's code. Its own messages quote the file and could show a secret. */
const SENTENCES: Readonly<Record<string, string>> = {
  BAD_ALIAS: "bad YAML: an alias is malformed",
  BAD_DIRECTIVE: "bad YAML: a directive is not known",
  BAD_DQ_ESCAPE:
    "bad YAML: an escape in double quotes is not known: write \\\\ for a backslash, or use '…'",
  BAD_INDENT: "bad YAML: the indentation does not fit what is above, or a bracket is not closed",
  BAD_SCALAR_START: "bad YAML: a value cannot start with this character: put it in quotes",
  BLOCK_AS_IMPLICIT_KEY:
    "bad YAML: a key and its value cannot be here: check the indentation and quotes",
  BLOCK_IN_FLOW: "bad YAML: a block cannot stand between brackets: check that they are closed",
  DUPLICATE_KEY: "this key is there twice in one map: keep one of the two",
  KEY_OVER_1024_CHARS: "bad YAML: a key is too long",
  MISSING_CHAR:
    "bad YAML: a character is missing: check that quotes, brackets, commas and colons are complete",
  MULTILINE_IMPLICIT_KEY: "bad YAML: a key runs over two lines: check for a missing colon or quote",
  MULTIPLE_DOCS: "the file holds more than one document: keep one, without --- between",
  RESOURCE_EXHAUSTION: "bad YAML: values are nested too deeply",
  TAB_AS_INDENT: "bad YAML: a tab cannot indent: use spaces",
  TAG_RESOLVE_FAILED: "a tag (!…) is not known here, or does not fit its value: leave it out",
  UNEXPECTED_TOKEN:
    "bad YAML: something is here that does not belong: check indentation, quotes and brackets",
};
const FORBIDDEN_KEYS: ReadonlyMap<string, string> = new Map([
  ["__proto__", "this key is not allowed: use another"],
  ["<<", "merge keys are not known here: write the fields out"],
]);
/** Faults after which the rest of the file still means what its author meant. */
const HARMLESS = new Set(["DUPLICATE_KEY", "TAG_RESOLVE_FAILED", "MULTIPLE_DOCS", "BAD_DQ_ESCAPE"]);

/** Reads `text`; `file` is what its faults name. Never throws, whatever the text. */
export function readDocument(text: string, file: string): ConfigDocument {
  return readPlainly(text) ?? readAnyYaml(text, file);
}

/** The same values and positions as `readAnyYaml`, for texts that are plain; null for others. */
export function readPlainly(text: string): ConfigDocument | null {
  const plain = readPlainYaml(text, EXACT_FIELDS);
  if (plain === null) return null;
  let lines: LineCounter | null = null;
  const positionOf = (path: Path, part: "key" | "value"): Position => {
    lines ??= linesOf(text);
    return positionAt(lines, plain.offsetOf(path, part));
  };
  return { root: plain.root, faults: [], sound: true, positionOf };
}

function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  let start = 0;
  do {
    lines.addNewLine(start);
    start = text.indexOf("\n", start) + 1;
  } while (start > 0);
  return lines;
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** Reads `text` with the whole YAML parser, which takes seconds for ten thousand keys. */
export function readAnyYaml(text: string, file: string): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: "core",
    // Else !!binary and !!set would make values that are no plain ones.
    resolveKnownTags: false,
  });
  const flaws = withoutRepeats([...document.errors, ...document.warnings]);
  const faults: Fault[] = flaws.map((flaw) => ({
    file,
    ...positionAt(lines, flaw.pos[0]),
    path: pathText(pathAt(document.contents, flaw.pos[0])),
    message: SENTENCES[flaw.code] ?? "bad YAML: it cannot be read here",
  }));
  const sound = flaws.every((flaw) => HARMLESS.has(flaw.code));
  const reader = createReader();
  const root = sound ? reader.read(document.contents, [], null) : null;
  for (const { offset, path, message } of reader.flaws) {
    faults.push({ file, ...positionAt(lines, offset), path: pathText(path), message });
  }
  const positionOf = (path: Path, part: "key" | "value"): Position =>
    positionAt(lines, offsetOf(document.contents, path, part, reader.targetOf));
  return { root, faults, sound, positionOf };
}

/** The parser tells some errors twice: for the value, and for what contains it. */
function withoutRepeats(flaws: readonly YAMLError[]): YAMLError[] {
  return [...new Map(flaws.map((flaw) => [`${flaw.code} ${flaw.pos[0]}`, flaw])).values()];
}

interface Flaw {
  readonly offset: number;
  readonly path: Path;
  readonly message: string;
}

interface Reader {
  readonly flaws: readonly Flaw[];
  readonly read: (node: unknown, path: (string | number)[], field: string | null) => unknown;
  readonly targetOf: TargetOf;
}

/**
 * A walk over the parsed document that makes plain values. What it cannot take is left undefined and
 * noted in `flaws`. `path` is extended and cut back in place: one array for the whole walk.
 */
function createReader(): Reader {
  const flaws: Flaw[] = [];
  const aliases = createAliases();

  const note = (node: unknown, path: Path, message: string): undefined => {
    flaws.push({ offset: startOf(node) ?? 0, path: [...path], message });
  };

  const read: Reader["read"] = (node, path, field) => {
    if (!aliases.mayGoOn()) return undefined;
    if (isScalar(node)) {
      aliases.enter(node, () => undefined);
      const exact = typeof node.value === "number" && field !== null && EXACT_FIELDS.has(field);
      return exact ? (node.source ?? String(node.value)) : node.value;
    }
    if (path.length > DEPTH_MAX)
      return note(node, path, `more than ${DEPTH_MAX} levels deep: use fewer`);
    if (isAlias(node)) {
      const value = aliases.expand(node, (target) => read(target, path, field));
      return value.flaw === null ? value.read : note(node, path, value.flaw);
    }
    if (isSeq(node)) return aliases.enter(node, () => readSeq(node.items, path));
    if (isMap(node)) return aliases.enter(node, () => readMap(node.items, path, field));
    return null;
  };

  const readSeq = (items: unknown[], path: (string | number)[]): unknown[] =>
    items.map((item, index) => within(path, index, () => read(item, path, null)));

  const readMap = (items: Pair[], path: (string | number)[], field: string | null): unknown => {
    const map: Record<string, unknown> = {};
    for (const pair of items) {
      const key = keyText(pair.key);
      if (key === null) {
        note(pair.key, path, "a key must be a plain text");
        continue;
      }
      const fault = FORBIDDEN_KEYS.get(key);
      if (fault !== undefined) note(pair.key, [...path, key], fault);
      // Labels are free: one that is named like an amount is none.
      else
        map[key] = within(path, key, () => read(pair.value, path, field === "labels" ? null : key));
    }
    return map;
  };
  return { flaws, read, targetOf: aliases.targetOf };
}

function within<T>(path: (string | number)[], segment: string | number, body: () => T): T {
  path.push(segment);
  const result = body();
  path.pop();
  return result;
}
