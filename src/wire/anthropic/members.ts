/** Finds whole members of a body's root object, keys and commas included, and takes them out. */
import type { ByteRange, MessagesBody } from "./body.ts";
import type { Edit } from "./splice.ts";

/** One member of the root object. */
interface Member {
  /** Decoded. */
  readonly name: string;
  /** From the key's opening quote to the end of the value. */
  readonly range: ByteRange;
  /** Where the comma after it stands; null for the last one. */
  readonly commaAt: number | null;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPENERS = new Set([0x5b, 0x7b]);
const CLOSERS = new Set([0x5d, 0x7d]);
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Takes members out of the root object and puts others at its end. Every other byte stays: what goes with
 * a member is its key, its colon, and one comma (with what is between two neighbours that both go).
 *
 * @param body Of these very chunks: the scan has proved that the root object is well-formed.
 * @param change `remove`: names whose members go, wherever they stand and however their keys are escaped.
 * `add`: JSON texts of members by name; one that the body has already is left as it is.
 */
export function editMembers(
  body: MessagesBody,
  chunks: readonly Buffer[],
  change: {
    readonly remove: readonly string[];
    readonly add: Readonly<Record<string, string>>;
  },
): Edit[] {
  const members = membersOf(body, chunks);
  const names = new Set(members.map(({ name }) => name));
  const added = Object.entries(change.add)
    .filter(([name]) => !names.has(name))
    .map(([name, json]) => `${JSON.stringify(name)}:${json}`)
    .join(",");
  const isGone = members.map(({ name }) => change.remove.includes(name));
  if (isGone.length > 0 && !isGone.includes(false)) return replaceAll(members, added);
  const edits = removals(members, isGone);
  const comma = body.isEmpty ? "" : ",";
  if (added !== "")
    edits.push({ start: body.closeAt, end: body.closeAt, text: `${comma}${added}` });
  return edits;
}

/** Whether the root object has a member of this name, however its key is escaped. */
export function hasMember(body: MessagesBody, chunks: readonly Buffer[], name: string): boolean {
  return membersOf(body, chunks).some((member) => member.name === name);
}

/** Nothing stays: what is added takes the place, so that nobody else's addition meets a missing comma. */
function replaceAll(members: readonly Member[], added: string): Edit[] {
  const start = members[0]?.range.start ?? 0;
  return [{ start, end: members.at(-1)?.range.end ?? start, text: added }];
}

function removals(members: readonly Member[], isGone: readonly boolean[]): Edit[] {
  const edits: Edit[] = [];
  let first = 0;
  while (first < members.length) {
    if (isGone[first] !== true) {
      first += 1;
      continue;
    }
    let last = first;
    while (isGone[last + 1] === true) last += 1;
    edits.push({ ...runRange(members, first, last), text: "" });
    first = last + 1;
  }
  return edits;
}

/** A run of members, with the comma before it; at the object's start, with the one after it. */
function runRange(members: readonly Member[], first: number, last: number): ByteRange {
  const start = members[first]?.range.start ?? 0;
  const end = members[last]?.range.end ?? start;
  const commaBefore = members[first - 1]?.commaAt ?? null;
  if (commaBefore !== null) return { start: commaBefore, end };
  const commaAfter = members[last]?.commaAt ?? null;
  return { start, end: commaAfter === null ? end : commaAfter + 1 };
}

function membersOf(body: MessagesBody, chunks: readonly Buffer[]): Member[] {
  if (body.isEmpty) return [];
  const bytes = new ChunkBytes(chunks);
  /** Large values have known ends: they are stepped over, never read. */
  const ends = new Map(Object.values(body.fields).map(({ start, end }) => [start, end]));
  const members: Member[] = [];
  let at = skipSpaces(bytes, 0) + 1;
  while (at < body.closeAt) {
    const start = skipSpaces(bytes, at);
    const keyEnd = skipString(bytes, start);
    const valueAt = skipSpaces(bytes, expectAt(bytes, skipSpaces(bytes, keyEnd), COLON) + 1);
    const end = ends.get(valueAt) ?? skipValue(bytes, valueAt);
    const next = skipSpaces(bytes, end);
    const commaAt = next < body.closeAt ? expectAt(bytes, next, COMMA) : null;
    const name = JSON.parse(bytes.text(start, keyEnd)) as string;
    members.push({ name, range: { start, end }, commaAt });
    at = next + 1;
  }
  return members;
}

function expectAt(bytes: ChunkBytes, at: number, byte: number): number {
  if (bytes.at(at) !== byte) throw new RangeError(`the body was not scanned: offset ${at}`);
  return at;
}

function skipSpaces(bytes: ChunkBytes, from: number): number {
  let at = from;
  while (SPACES.has(bytes.at(at))) at += 1;
  return at;
}

/** From an opening quote to behind the closing one. */
function skipString(bytes: ChunkBytes, from: number): number {
  let at = expectAt(bytes, from, QUOTE) + 1;
  for (;;) {
    const byte = bytes.at(at);
    if (byte === QUOTE) return at + 1;
    if (byte === END) throw new RangeError(`the body was not scanned: offset ${at}`);
    at += byte === BACKSLASH ? 2 : 1;
  }
}

function skipValue(bytes: ChunkBytes, from: number): number {
  let depth = 0;
  let at = from;
  for (;;) {
    const byte = bytes.at(at);
    if (byte === END) throw new RangeError(`the body was not scanned: offset ${at}`);
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      if (depth === 0) return at;
      continue;
    }
    if (OPENERS.has(byte)) depth += 1;
    else if (CLOSERS.has(byte)) {
      // The root's own brace ends a number or a literal.
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || SPACES.has(byte))) return at;
    at += 1;
  }
}

/** What is read behind the last byte. */
const END = -1;

/** The bytes of chunks by their offset in the body; neighbours are found at once. */
class ChunkBytes {
  readonly #chunks: readonly Buffer[];
  #index = 0;
  #start = 0;

  constructor(chunks: readonly Buffer[]) {
    this.#chunks = chunks;
  }

  at(offset: number): number {
    while (offset < this.#start) {
      this.#index -= 1;
      this.#start -= this.#chunks[this.#index]?.length ?? 0;
    }
    for (;;) {
      const chunk = this.#chunks[this.#index];
      if (chunk === undefined) return END;
      if (offset < this.#start + chunk.length) return chunk[offset - this.#start] ?? END;
      this.#start += chunk.length;
      this.#index += 1;
    }
  }

  text(start: number, end: number): string {
    const bytes = Buffer.alloc(end - start);
    for (let at = start; at < end; at++) bytes[at - start] = this.at(at);
    return bytes.toString("utf8");
  }
}
