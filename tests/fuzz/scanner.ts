/**
 * Compares the body scanner with JSON.parse and with a naive scanner over generated hostile bodies:
 * `node tests/fuzz/scanner.ts [cases] [seed]`. Exits 1 at the first difference and prints its body.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { scanMessagesBody } from "../../src/wire/anthropic/scan.ts";
import type { MessagesBody, ScannedBody } from "../../src/wire/anthropic/body.ts";
import { referenceFacts } from "../wire/reference-facts.ts";
import { referenceScan } from "../wire/reference-scan.ts";
import type { ReferenceScan } from "../wire/reference-scan.ts";
import { Random, chunksOf, hostileBody } from "./hostile-json.ts";
import type { HostileBody } from "./hostile-json.ts";

const GOVERNED = new Set([
  "model",
  "stream",
  "max_tokens",
  "thinking",
  "metadata",
  "tools",
  "speed",
  "inference_geo",
  "service_tier",
  "context_management",
  "output_config",
  "mcp_servers",
  "cache_control",
  "fallbacks",
  "container",
  "system",
  "messages",
]);
const REPORTED = new Set([...GOVERNED, "tool_choice"]);

/** Spelled out, or possibly hidden behind an escape. */
const MAY_HOLD_ARGUMENTS = /input|\\u/;

/** How many bodies passed the scan, and how many did not. */
export interface FuzzCount {
  accepted: number;
  refused: number;
}

/** Runs `cases` comparisons; throws at the first difference, naming seed, case and body. */
export function fuzzScanner(cases: number, seed: number): FuzzCount {
  const random = new Random(seed);
  const count: FuzzCount = { accepted: 0, refused: 0 };
  for (let index = 0; index < cases; index++) {
    const body = hostileBody(random);
    const chunks = chunksOf(body.bytes, random);
    try {
      const scanned = scanMessagesBody(chunks);
      compare(body, scanned);
      count[scanned.ok ? "accepted" : "refused"] += 1;
    } catch (cause) {
      const text = JSON.stringify(body.bytes.toString("latin1"));
      throw new Error(`seed ${seed}, case ${index}: ${text}`, { cause });
    }
  }
  return count;
}

function compare(body: HostileBody, scanned: ScannedBody): void {
  const { bytes } = body;
  const strict = referenceScan(bytes, "strict", GOVERNED);
  const lenient = referenceScan(bytes, "lenient", GOVERNED);
  const parsed = parseObject(bytes);
  if (!scanned.ok) {
    assert.ok(scanned.fault.offset <= bytes.length);
    compareFault(scanned.fault.offset, strict.faultAt, { lenientAt: lenient.faultAt, bytes });
    assert.ok(
      parsed === null || isRepeated(bytes),
      "what JSON.parse accepts is refused for a repeated key only",
    );
    return;
  }
  assert.equal(lenient.faultAt, null, "the naive scanner accepts it too");
  if (strict.faultAt !== null) assert.match(bytes.toString("latin1"), MAY_HOLD_ARGUMENTS);
  compareFields(scanned.body, lenient, bytes);
  assert.doesNotThrow(() => JSON.parse(skeletonOf(bytes, lenient)), "the top level is JSON");
  if (parsed === null) assert.ok(body.isDamaged);
  else compareFacts(scanned.body, parsed, body);
}

/** Brackets inside tools' arguments need only balance; those elsewhere must be of the right kind. */
function compareFault(
  offset: number,
  strictAt: number | null,
  { lenientAt, bytes }: { readonly lenientAt: number | null; readonly bytes: Buffer },
): void {
  if (offset === strictAt) return;
  assert.ok(
    strictAt !== null && offset > strictAt && offset <= (lenientAt ?? bytes.length),
    "offset of the fault",
  );
  assert.match(bytes.toString("latin1"), MAY_HOLD_ARGUMENTS);
}

function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}

/** True where a governed key stands twice, however it is spelled. */
function isRepeated(bytes: Buffer): boolean {
  const { fields } = referenceScan(bytes, "lenient", new Set());
  const governed = fields.map((field) => field.key).filter((key) => GOVERNED.has(key));
  return new Set(governed).size < governed.length;
}

function compareFields(body: MessagesBody, reference: ReferenceScan, bytes: Buffer): void {
  const expected: Record<string, { start: number; end: number }> = {};
  for (const { key, start, end } of reference.fields) {
    if (REPORTED.has(key)) expected[key] = { start, end };
  }
  assert.deepEqual({ ...body.fields }, expected);
  assert.equal(body.closeAt, reference.closeAt);
  assert.equal(body.isEmpty, reference.fields.length === 0);
  assert.equal(body.byteLength, bytes.length);
  assert.equal(body.facts.unicodeEscapes, reference.unicodeEscapes);
  let nonAscii = 0;
  for (const byte of bytes) nonAscii += byte >> 7;
  assert.equal(body.facts.nonAsciiBytes, nonAscii);
  assert.equal(body.facts.asciiBytes, bytes.length - nonAscii);
}

/** The body with each top-level bracket's content taken out. */
function skeletonOf(bytes: Buffer, { fields }: ReferenceScan): string {
  let text = "";
  let from = 0;
  for (const { start, end } of fields) {
    const isContainer = bytes[start] === 0x7b || bytes[start] === 0x5b;
    text +=
      bytes.toString("utf8", from, start) +
      (isContainer ? "0" : bytes.toString("utf8", start, end));
    from = end;
  }
  return text + bytes.toString("utf8", from);
}

function compareFacts(
  body: MessagesBody,
  parsed: Readonly<Record<string, unknown>>,
  { hasRepeats, isDamaged }: HostileBody,
): void {
  const { facts } = body;
  assert.equal(body.model, typeof parsed["model"] === "string" ? parsed["model"] : null);
  assert.equal(body.stream, parsed["stream"] === true);
  const asked = parsed["max_tokens"];
  const isCount = typeof asked === "number" && Number.isSafeInteger(asked) && asked >= 0;
  assert.equal(body.maxTokens, isCount ? Math.abs(asked) : null);
  if (facts.obscured) return;
  const expected = referenceFacts(parsed);
  const rank = { none: 0, "5m": 1, "1h": 2 };
  assert.ok(rank[facts.cacheMarkers] >= rank[expected.cacheMarkers], "cache markers");
  assert.ok(facts.images >= expected.images, "images");
  assert.ok(facts.opaqueInput || !expected.opaqueInput, "opaque input");
  assert.ok(facts.compaction || !expected.compaction, "compaction");
  assert.ok(facts.tools >= expected.tools, "tools");
  // Damage may have made two keys of one object equal; JSON.parse then shows only the last.
  if (hasRepeats || isDamaged) return;
  assert.equal(facts.cacheMarkers, expected.cacheMarkers);
  assert.equal(facts.images, expected.images);
  assert.equal(facts.opaqueInput, expected.opaqueInput);
  assert.equal(facts.compaction, expected.compaction);
  assert.equal(facts.tools, expected.tools);
  assert.equal(facts.providerTools, expected.providerTools);
  assert.deepEqual(inAnyOrder(facts.serverTools), inAnyOrder(expected.serverTools));
}

/** An outer tool is recorded when it closes, after those inside it. */
function inAnyOrder(tools: readonly object[]): string[] {
  return tools.map((tool) => JSON.stringify(tool)).toSorted();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const cases = Number(process.argv[2] ?? 1_000_000);
  const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
  const startedAt = performance.now();
  const { accepted, refused } = fuzzScanner(cases, seed);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(
    `${cases} bodies (seed ${seed}): ${accepted} accepted, ${refused} refused, no difference, ${seconds} s\n`,
  );
}
