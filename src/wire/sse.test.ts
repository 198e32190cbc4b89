import assert from "node:assert/strict";
import { test } from "node:test";
import { EVENT_DATA_MAX_BYTES, createSseScanner } from "./sse.ts";
import type { EventUse } from "./sse.ts";

interface Seen {
  readonly events: (readonly [name: string, data: string | null])[];
  bytes: number;
}

function scan(chunks: readonly Buffer[]): Seen {
  const seen: Seen = { events: [], bytes: 0 };
  const uses = new Map<string, EventUse>([
    ["wanted", "read"],
    ["other", "read"],
    ["content", "count"],
  ]);
  const scanner = createSseScanner({
    uses,
    onEvent: (name, data) => seen.events.push([name, data]),
    onBytes: (bytes) => {
      seen.bytes += bytes;
    },
  });
  for (const chunk of chunks) scanner.feed(chunk);
  return seen;
}

const STREAM = [
  ": a comment",
  "",
  "event: ping",
  'data: {"event: wanted":1}',
  "",
  "event: wanted",
  'data: {"a":',
  "data:1}",
  "id: 5",
  "",
  "event:content",
  "data: 12345é",
  "",
  "eventual: wanted",
  "data: not this",
  "",
  "event: wanted and more",
  "data: nor this",
  "",
  "event: other",
  "retry: 10",
  "data: é",
  "",
  "event: wanted",
  "",
  "data: no name",
  "",
  "event: wanted",
  "data: last",
  "",
  "",
].join("\n");

const EXPECTED: Seen = {
  events: [
    ["wanted", '{"a":\n1}'],
    ["other", "é"],
    ["wanted", "last"],
  ],
  bytes: 7,
};

for (const [name, end] of [
  ["LF", "\n"],
  ["CRLF", "\r\n"],
  ["CR", "\r"],
] as const) {
  test(`${name}: the same events at every size of chunk and every single cut`, () => {
    const bytes = Buffer.from(`\ufeff${STREAM.replaceAll("\n", end)}`);
    for (let size = 1; size <= bytes.length; size++) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      assert.deepEqual(scan(chunks), EXPECTED, `chunks of ${size}`);
    }
    for (let cut = 0; cut <= bytes.length; cut++) {
      const halves = [bytes.subarray(0, cut), Buffer.alloc(0), bytes.subarray(cut)];
      assert.deepEqual(scan(halves), EXPECTED, `cut at ${cut}`);
    }
  });
}

test("an event that does not end is not told", () => {
  assert.deepEqual(scan([Buffer.from("event: wanted\ndata: x\n")]).events, []);
});

test("data over the limit is unreadable, and the next event is read", () => {
  const half = Buffer.alloc(EVENT_DATA_MAX_BYTES / 2, "x");
  const whole = Buffer.concat([half, half]);
  const head = Buffer.from("event: wanted\ndata: ");
  const end = Buffer.from("\n\n");
  assert.equal(scan([head, whole, end]).events[0]?.[1]?.length, EVENT_DATA_MAX_BYTES);
  const seen = scan([head, whole, Buffer.from("y"), end, Buffer.from("event: other\ndata: z\n\n")]);
  assert.deepEqual(seen.events, [
    ["wanted", null],
    ["other", "z"],
  ]);
});

test("a chunk may be used again after it was fed", () => {
  const seen: string[] = [];
  const scanner = createSseScanner({
    uses: new Map([["wanted", "read"]]),
    onEvent: (_name, data) => seen.push(data ?? ""),
    onBytes: () => undefined,
  });
  const chunk = Buffer.from("event: wanted\ndata: abc");
  scanner.feed(chunk);
  chunk.fill("z");
  scanner.feed(Buffer.from("def\n\n"));
  assert.deepEqual(seen, ["abcdef"]);
});
