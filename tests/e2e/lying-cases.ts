/** What an upstream can send that it should not, in the words of two doors, and what must come of it. */
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

import type { DoorName, Words } from "./lying-words.ts";

/** What the client gets: `no end` is for it to end. */
export type Client = "another target" | "the answer" | "a cut" | "an error event" | "no end";
/** How the attempt is settled. */
export type Booked = "as billed" | "estimated" | "free";

export interface LyingCase {
  readonly id: string;
  /** As the page says it. */
  readonly what: string;
  readonly stream: boolean;
  readonly send: (socket: Socket, words: Words) => void | Promise<void>;
  /** For both doors, or one by one. */
  readonly outcome: Outcome | Readonly<Record<DoorName, Outcome>>;
}

export type Outcome = readonly [Client, Booked];

const JSON_TYPE = "content-type: application/json\r\n";
const EVENTS_TYPE = "content-type: text/event-stream\r\n";

/** An answer that ends with its connection: no other case must meet the end of it. */
function answer(headers: string, body: string | Buffer, status = "200 OK"): Buffer {
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 ${status}\r\nconnection: close\r\n${headers}\r\n`, "latin1"),
    typeof body === "string" ? Buffer.from(body) : body,
  ]);
}

function ending(of: (words: Words) => Buffer): LyingCase["send"] {
  return (socket, words) => {
    socket.end(of(words));
  };
}

/** Stays open after its bytes. */
function staying(of: (words: Words) => Buffer): LyingCase["send"] {
  return (socket, words) => {
    socket.write(of(words));
  };
}

/** Goes on until its connection is closed. */
function endless(of: (words: Words) => Buffer, again: string, everyMs: number): LyingCase["send"] {
  return async (socket, words) => {
    socket.write(of(words));
    while (!socket.destroyed) {
      const hasRoom = socket.write(again);
      await (everyMs > 0 || hasRoom ? delay(everyMs) : drained(socket));
    }
  };
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("drain", resolve).once("close", resolve);
  });
}

function encoded(name: string, encode: (bytes: Buffer) => Buffer): readonly LyingCase[] {
  const headers = `content-encoding: ${name}\r\n`;
  const half = (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1);
  const stream = ({ opening, content, closing }: Words) =>
    Buffer.from(opening() + content() + closing());
  return [
    {
      id: `${name}-whole`,
      what: `a whole answer in ${name}, unasked for`,
      stream: false,
      send: ending((words) => answer(JSON_TYPE + headers, encode(Buffer.from(words.whole())))),
      outcome: ["the answer", "as billed"],
    },
    {
      id: `${name}-stream`,
      what: `a stream in ${name}, unasked for`,
      stream: true,
      send: ending((words) => answer(EVENTS_TYPE + headers, encode(stream(words)))),
      outcome: ["the answer", "as billed"],
    },
    {
      id: `${name}-truncated`,
      what: `a whole answer in ${name} that lacks its second half`,
      stream: false,
      send: ending((words) =>
        answer(JSON_TYPE + headers, half(encode(Buffer.from(words.whole())))),
      ),
      outcome: ["another target", "estimated"],
    },
  ];
}

const MEBIBYTE = "x".repeat(1024 * 1024);

/** Every case has a provider of its own, so that none is left alone because of another. */
export const LYING_CASES: readonly LyingCase[] = [
  {
    id: "garbage-stream",
    what: "a stream of lines that are no events",
    stream: true,
    send: ending(() => answer(EVENTS_TYPE, "hello\n\nthis: is\n\nno stream of events\n\n")),
    outcome: ["another target", "estimated"],
  },
  {
    id: "half-before",
    what: "a stream that stops in mid-event, before its content",
    stream: true,
    send: ending(({ opening }) => answer(EVENTS_TYPE, opening().slice(0, -20))),
    outcome: ["another target", "estimated"],
  },
  {
    id: "half-after",
    what: "a stream that stops in mid-event, after its content",
    stream: true,
    send: ending(({ opening, content, closing }) =>
      answer(EVENTS_TYPE, opening() + content() + closing().slice(0, 30)),
    ),
    outcome: {
      Messages: ["a cut", "estimated"],
      "chat completions": ["an error event", "estimated"],
    },
  },
  {
    id: "endless-before",
    what: "a stream of comments that never comes to its content",
    stream: true,
    send: endless(({ opening }) => answer(EVENTS_TYPE, opening()), ": still there\n\n", 200),
    outcome: ["another target", "estimated"],
  },
  {
    id: "endless-after",
    what: "a stream that never ends after its content",
    stream: true,
    send: endless(
      ({ opening, content }) => answer(EVENTS_TYPE, opening() + content()),
      ": still there\n\n",
      200,
    ),
    outcome: ["no end", "estimated"],
  },
  {
    id: "stalled",
    what: "a stream that falls silent before its content",
    stream: true,
    send: staying(({ opening }) => answer(EVENTS_TYPE, opening())),
    outcome: ["another target", "estimated"],
  },
  {
    id: "length-above",
    what: "a `content-length` above the body",
    stream: false,
    send: ending(({ whole }) => answer(`${JSON_TYPE}content-length: 9999\r\n`, whole())),
    // The whole message has come, with its usage.
    outcome: {
      Messages: ["another target", "as billed"],
      "chat completions": ["another target", "estimated"],
    },
  },
  {
    id: "length-below",
    what: "a `content-length` below the body",
    stream: false,
    send: ending(({ whole }) => answer(`${JSON_TYPE}content-length: 50\r\n`, whole())),
    outcome: ["another target", "estimated"],
  },
  {
    id: "two-lengths",
    what: "two different lengths of the body",
    stream: false,
    send: ending(({ whole }) =>
      answer(`${JSON_TYPE}content-length: 9\r\ncontent-length: 10\r\n`, whole()),
    ),
    outcome: ["another target", "estimated"],
  },
  {
    id: "page",
    what: "an HTML page with 200",
    stream: false,
    send: ending(() => answer("content-type: text/html\r\n", "<html>Sign in</html>")),
    outcome: ["another target", "estimated"],
  },
  {
    id: "page-stream",
    what: "an HTML page with 200 where a stream was asked for",
    stream: true,
    send: ending(() => answer("content-type: text/html\r\n", "<html>Sign in</html>")),
    outcome: ["another target", "estimated"],
  },
  {
    id: "page-502",
    what: "an HTML page with 502",
    stream: false,
    send: ending(() =>
      answer("content-type: text/html\r\n", "<html>Bad gateway</html>", "502 Bad"),
    ),
    outcome: ["another target", "estimated"],
  },
  {
    id: "error-body",
    what: "an error in the body of a 200",
    stream: false,
    send: ending(({ error }) => answer(JSON_TYPE, error())),
    outcome: ["another target", "estimated"],
  },
  {
    id: "error-body-stream",
    what: "an error in the body of a 200 where a stream was asked for",
    stream: true,
    send: ending(({ error }) => answer(JSON_TYPE, error())),
    outcome: ["another target", "estimated"],
  },
  {
    id: "redirect",
    what: "a redirect",
    stream: false,
    send: ending(() =>
      answer("location: http://127.0.0.1:9/\r\ncontent-length: 0\r\n", "", "307 Moved"),
    ),
    outcome: ["another target", "free"],
  },
  {
    id: "header-bomb",
    what: "a head of more than 64 KiB",
    stream: false,
    send: ending(({ whole }) => answer(`${JSON_TYPE}${"x-bomb: boom\r\n".repeat(9_999)}`, whole())),
    outcome: ["another target", "estimated"],
  },
  {
    id: "informational",
    what: "1xx answers before the real one",
    stream: false,
    send: ending(({ whole }) =>
      Buffer.concat([
        Buffer.from("HTTP/1.1 100 Continue\r\n\r\n".repeat(9)),
        Buffer.from("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
        answer(JSON_TYPE, whole()),
      ]),
    ),
    outcome: ["the answer", "as billed"],
  },
  {
    id: "informational-endless",
    what: "1xx answers without end",
    stream: false,
    send: endless(() => Buffer.alloc(0), "HTTP/1.1 102 Processing\r\n\r\n", 100),
    outcome: ["another target", "estimated"],
  },
  {
    id: "switch",
    what: "101, a change of protocol that nobody asked for",
    stream: false,
    send: ending(() => answer("upgrade: other\r\n", "", "101 Switching")),
    outcome: ["another target", "estimated"],
  },
  {
    id: "endless-body",
    what: "a whole answer whose body never ends",
    stream: false,
    send: endless(({ whole }) => answer(JSON_TYPE, whole().slice(0, -1)), MEBIBYTE, 0),
    outcome: {
      Messages: ["no end", "estimated"],
      "chat completions": ["another target", "estimated"],
    },
  },
  {
    id: "dripping-body",
    what: "a whole answer that comes byte by byte, without end",
    stream: false,
    send: endless(({ whole }) => answer(JSON_TYPE, whole().slice(0, -1)), " ", 200),
    outcome: ["another target", "estimated"],
  },
  {
    id: "no-usage",
    what: "a whole answer without usage",
    stream: false,
    send: ending(({ whole }) => answer(JSON_TYPE, whole(null))),
    outcome: ["the answer", "estimated"],
  },
  {
    id: "no-usage-stream",
    what: "a stream without its last usage",
    stream: true,
    send: ending(({ opening, content, closing }) =>
      answer(EVENTS_TYPE, opening() + content() + closing(null)),
    ),
    outcome: ["the answer", "estimated"],
  },
  {
    id: "shrinking",
    what: "a stream whose last usage has less input than its first",
    stream: true,
    send: ending(({ opening, content, closing }) =>
      answer(EVENTS_TYPE, opening() + content() + closing({ input: 3, output: 5 })),
    ),
    outcome: ["the answer", "as billed"],
  },
  {
    id: "negative",
    what: "usage below zero",
    stream: false,
    send: ending(({ whole }) => answer(JSON_TYPE, whole({ input: 10, output: -5 }))),
    outcome: ["the answer", "estimated"],
  },
  {
    id: "absurd",
    what: "usage of more than 10^12 tokens",
    stream: false,
    send: ending(({ whole }) => answer(JSON_TYPE, whole({ input: 10, output: 1e15 }))),
    outcome: ["the answer", "estimated"],
  },
  {
    id: "words",
    what: "usage that is no number",
    stream: false,
    send: ending(({ whole }) => answer(JSON_TYPE, whole({ input: "ten", output: null }))),
    outcome: ["the answer", "estimated"],
  },
  ...encoded("gzip", gzipSync),
  ...encoded("deflate", deflateSync),
  ...encoded("br", brotliCompressSync),
  ...encoded("zstd", zstdCompressSync),
];

/** What must come of a case at a door. */
export function outcomeOf({ outcome }: LyingCase, door: DoorName): Outcome {
  return "Messages" in outcome ? outcome[door] : outcome;
}
