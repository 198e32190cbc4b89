import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AnswerReader, HEAD_BYTES_MAX } from "./answer-reader.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly content: string;
  readonly reusable: boolean;
}

/** What was told of the bytes: whole answers, the beginning of one, and how it broke off. */
interface Told {
  readonly answers: Answer[];
  readonly begun: { status: number; content: string } | null;
  readonly broken: boolean;
}

/** Feeds `bytes` cut at `cuts`, an answer expected again behind each that leaves its connection usable. */
function read(bytes: Buffer, cuts: readonly number[], ends = true): Told {
  const answers: Answer[] = [];
  let begun: { status: number; headers: Readonly<Record<string, string>>; content: string } | null =
    null;
  const reader = new AnswerReader({
    onAnswerHead: ({ status, headers }) => {
      assert.equal(begun, null, "one head an answer");
      begun = { status, headers: { ...headers }, content: "" };
    },
    onAnswerContent: (chunk) => {
      assert.ok(begun !== null && chunk.length > 0, "content behind a head");
      begun.content += chunk.toString("latin1");
    },
    onAnswerEnd: (reusable) => {
      assert.ok(begun !== null, "an end behind a head");
      answers.push({ ...begun, reusable });
      begun = null;
    },
  });
  reader.expect(false);
  let broken = false;
  for (const piece of piecesOf(bytes, cuts)) broken ||= reader.feed(piece) !== null;
  if (ends && !broken) broken = !reader.end();
  return { answers, begun, broken };
}

function piecesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [
    0,
    ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b),
    bytes.length,
  ];
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
}

/** Whether the connection may be used again depends on when bytes behind an answer come; all else must not. */
function withoutReuse({ answers, ...rest }: Told): unknown {
  return { ...rest, answers: answers.map((answer) => ({ ...answer, reusable: null })) };
}

const EVERY_BYTE = Array.from({ length: 5_000 }, (_, index) => index + 1);

const names = fc.stringMatching(/^x-[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,12}$/);
const values = fc.stringMatching(/^[!-~\x80-\xff]([\t -~\x80-\xff]{0,20}[!-~\x80-\xff])?$/);
const contents = fc.array(
  fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map((bytes) => Buffer.from(bytes).toString("latin1")),
  { maxLength: 5 },
);
const framings = fc.constantFrom("length" as const, "chunks" as const, "close" as const);

interface Written {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly contents: readonly string[];
  readonly framing: "length" | "chunks" | "close";
  readonly early: boolean;
  readonly extension: string;
  readonly trailer: string;
}

const written: fc.Arbitrary<Written> = fc.record({
  status: fc.integer({ min: 205, max: 599 }).filter((status) => status !== 304),
  headers: fc.uniqueArray(fc.tuple(names, values), {
    maxLength: 6,
    selector: ([name]) => name.toLowerCase(),
  }),
  contents,
  framing: framings,
  early: fc.boolean(),
  extension: fc.constantFrom("", ";a", ';a="b c";d=e'),
  trailer: fc.constantFrom("", "x-sum: 1\r\n", "A: b\r\nc: d\r\n"),
});

function bytesOf(one: Written): Buffer {
  const content = one.contents.join("");
  const framing = {
    length: `Content-Length: ${content.length}\r\n`,
    chunks: "Transfer-Encoding: chunked\r\n",
    close: "",
  };
  const chunks = one.contents.map(
    (chunk) => `${chunk.length.toString(16)}${one.extension}\r\n${chunk}\r\n`,
  );
  const body =
    one.framing === "chunks"
      ? `${chunks.join("")}0${one.extension}\r\n${one.trailer}\r\n`
      : content;
  const headers = one.headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const early = one.early ? "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" : "";
  const head = `HTTP/1.1 ${one.status} Some reason\r\n${headers}${framing[one.framing]}\r\n`;
  return Buffer.from(early + head + body, "latin1");
}

test("an answer is told as it was written, however its bytes are cut", () => {
  fc.assert(
    fc.property(written, fc.array(fc.nat(600)), (one, cuts) => {
      for (const places of [[], cuts, EVERY_BYTE]) {
        const { answers, begun, broken } = read(bytesOf(one), places);
        assert.deepEqual([begun, broken, answers.length], [null, false, 1]);
        const [answer] = answers;
        assert.equal(answer?.status, one.status);
        assert.equal(answer.content, one.contents.join(""));
        assert.equal(answer.reusable, one.framing !== "close");
        for (const [name, value] of one.headers) {
          assert.equal(answer.headers[name.toLowerCase()], value);
        }
      }
    }),
  );
});

/** Bytes that decide something, and some that do not. */
const pieces = fc.constantFrom(
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.0 200 OK\r\n",
  "HTTP/1.1 103 X\r\n",
  "HTTP/1.1 204 X\r\n",
  "content-length: 3\r\n",
  "transfer-encoding: chunked\r\n",
  "connection: close\r\n",
  "\r\n",
  "\r",
  "\n",
  "\r\n\r\n",
  " ",
  ":",
  ";",
  "0",
  "3",
  "a",
  "x: y\r\n",
  "abc",
  "3\r\nabc\r\n",
  "0\r\n\r\n",
  "0\r\n",
  "\0",
  "\xff",
);

test("of any bytes the same is told, however they are cut", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
      ),
      fc.array(pieces, { maxLength: 14 }),
      fc.array(fc.nat(200)),
      fc.boolean(),
      (beginning, rest, cuts, ends) => {
        const bytes = Buffer.from(beginning + rest.join(""), "latin1");
        const whole = withoutReuse(read(bytes, [], ends));
        assert.deepEqual(withoutReuse(read(bytes, cuts, ends)), whole);
        assert.deepEqual(withoutReuse(read(bytes, EVERY_BYTE, ends)), whole);
      },
    ),
    { numRuns: 3_000 },
  );
});

test("one byte changed, left out or doubled: told, or broken, but never thrown", () => {
  fc.assert(
    fc.property(written, fc.nat(), fc.nat(255), fc.nat(2), (one, at, byte, kind) => {
      const bytes = bytesOf(one);
      const place = at % bytes.length;
      const middle = [[byte], [], [bytes[place] ?? 0, byte]][kind] ?? [];
      const changed = Buffer.concat([
        bytes.subarray(0, place),
        Buffer.from(middle),
        bytes.subarray(place + 1),
      ]);
      const whole = withoutReuse(read(changed, []));
      assert.deepEqual(withoutReuse(read(changed, EVERY_BYTE)), whole);
    }),
    { numRuns: 1_000 },
  );
});

test("a stopped reader tells nothing more, from whichever event it was stopped", () => {
  const bytes = bytesOf({
    status: 200,
    headers: [],
    contents: ["abc", "def"],
    framing: "chunks",
    early: false,
    extension: "",
    trailer: "",
  });
  for (let stopAt = 1; stopAt <= 4; stopAt++) {
    let events = 0;
    const count = () => {
      events += 1;
      if (events === stopAt) reader.stop();
    };
    const reader = new AnswerReader({
      onAnswerHead: count,
      onAnswerContent: count,
      onAnswerEnd: count,
    });
    reader.expect(false);
    assert.equal(reader.feed(bytes), null);
    assert.equal(reader.end(), true);
    assert.equal(events, stopAt);
  }
});

test("a reader that is stopped at the head of an empty answer tells no end", () => {
  const reader = new AnswerReader({
    onAnswerHead: () => reader.stop(),
    onAnswerContent: () => assert.fail("content"),
    onAnswerEnd: () => assert.fail("an end"),
  });
  reader.expect(false);
  assert.equal(reader.feed(Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")), null);
});

test("content is handed on without a copy", () => {
  const bytes = Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc");
  const chunks: Buffer[] = [];
  const reader = new AnswerReader({
    onAnswerHead: () => undefined,
    onAnswerContent: (chunk) => chunks.push(chunk),
    onAnswerEnd: () => undefined,
  });
  reader.expect(false);
  const rest = Buffer.from("def");
  reader.feed(bytes);
  reader.feed(rest);
  assert.equal(chunks[0]?.buffer, bytes.buffer);
  assert.equal(chunks[1], rest);
});

test("a head may have its largest size, and not a byte more", () => {
  const begin = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: ";
  for (const [over, broken] of [
    [0, false],
    [1, true],
  ] as const) {
    const filling = "y".repeat(HEAD_BYTES_MAX - begin.length + over);
    const bytes = Buffer.from(`${begin}${filling}\r\n\r\n`);
    for (const cuts of [[], [100, 70_000], [bytes.length - 1], [bytes.length - 3]]) {
      assert.equal(read(bytes, cuts).broken, broken);
    }
  }
});
