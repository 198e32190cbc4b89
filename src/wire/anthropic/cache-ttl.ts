/** Sets the life of every prompt-cache marker of a body, and touches no other byte. */
import type { ByteRange, MessagesBody } from "./body.ts";
import { elementsOf, memberOf } from "./elements.ts";
import { cutRange, type Edit } from "./splice.ts";

const MARKER = '"cache_control"';
const BRACE = 0x7b;
const BRACKET = 0x5b;

/**
 * Edits after which every `cache_control` marker of tools, system, messages and of the body itself has
 * this `ttl`. Tool inputs and schemas are no place of markers: what looks like one there stays.
 *
 * @param body Of these very chunks. Malformed parts get no edits: they are the upstream's to refuse.
 */
export function editCacheTtls(
  body: MessagesBody,
  chunks: readonly Buffer[],
  ttl: "5m" | "1h",
): Edit[] {
  const edits: Edit[] = [];
  const { tools, system, messages, cache_control: own } = body.fields;
  for (const [range, place] of [
    [tools, "blocks"],
    [system, "blocks"],
    [messages, "messages"],
    [own, "marker"],
  ] as const) {
    if (range === undefined) continue;
    const bytes = cutRange(chunks, range);
    const found = place === "marker" ? markerEdits(bytes, ttl) : listEdits(bytes, { place, ttl });
    for (const { start, end, text } of found)
      edits.push({ start: range.start + start, end: range.start + end, text });
  }
  return edits;
}

function whole(bytes: Buffer): ByteRange {
  return { start: 0, end: bytes.length };
}

function markerEdits(bytes: Buffer, ttl: string): Edit[] {
  return wellFormed((edits) => pushMarker({ bytes, ttl, edits }, whole(bytes)));
}

function listEdits(
  bytes: Buffer,
  { place, ttl }: { readonly place: "blocks" | "messages"; readonly ttl: string },
): Edit[] {
  const marks = marksIn(bytes);
  if (marks.length === 0 || bytes[0] !== BRACKET) return [];
  return wellFormed((edits) => {
    const at = { bytes, ttl, edits };
    for (const element of elementsOf(bytes, whole(bytes))) {
      if (!hasMark(marks, element) || bytes[element.start] !== BRACE) continue;
      if (place === "blocks") pushBlock(at, element, marks);
      else pushContent(at, element, marks);
    }
  });
}

/** The edits that `gather` finds; none where the JSON turns out to be none below its brackets. */
function wellFormed(gather: (edits: Edit[]) => void): Edit[] {
  const edits: Edit[] = [];
  try {
    gather(edits);
    return edits;
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return [];
    throw error;
  }
}

interface At {
  readonly bytes: Buffer;
  readonly ttl: string;
  readonly edits: Edit[];
}

/** The marker of a block, and those of the blocks in its `content`. */
function pushBlock(at: At, block: ByteRange, marks: readonly number[]): void {
  const marker = memberOf(at.bytes, block, "cache_control");
  if (marker !== null) pushMarker(at, marker);
  pushContent(at, block, marks);
}

function pushContent(at: At, holder: ByteRange, marks: readonly number[]): void {
  const content = memberOf(at.bytes, holder, "content");
  if (content === null || at.bytes[content.start] !== BRACKET || !hasMark(marks, content)) return;
  for (const block of elementsOf(at.bytes, content)) {
    if (hasMark(marks, block) && at.bytes[block.start] === BRACE) pushBlock(at, block, marks);
  }
}

function pushMarker({ bytes, ttl, edits }: At, marker: ByteRange): void {
  if (bytes[marker.start] !== BRACE || memberOf(bytes, marker, "type") === null) return;
  const value = memberOf(bytes, marker, "ttl");
  const text = JSON.stringify(ttl);
  if (value === null) {
    // Five minutes is what a marker without a word has.
    const last = marker.end - 1;
    if (ttl !== "5m") edits.push({ start: last, end: last, text: `,"ttl":${text}` });
  } else if (bytes.toString("utf8", value.start, value.end) !== text) {
    edits.push({ ...value, text });
  }
}

/** Where the name stands as a text of its own, in order; inside of texts it has escapes around it. */
function marksIn(bytes: Buffer): number[] {
  const marks: number[] = [];
  for (let at = bytes.indexOf(MARKER); at >= 0; at = bytes.indexOf(MARKER, at + 1)) marks.push(at);
  return marks;
}

function hasMark(marks: readonly number[], { start, end }: ByteRange): boolean {
  let [low, high] = [0, marks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((marks[middle] ?? 0) < start) low = middle + 1;
    else high = middle;
  }
  return (marks[low] ?? end) < end;
}
