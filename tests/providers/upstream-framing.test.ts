/** Answers byte by byte: what both clients make of them, and where they differ, why. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { UpstreamRequest } from "../../src/providers/upstream.ts";
import type { Afterwards, Subject } from "./implementations.ts";
import { answering, describeClients } from "./implementations.ts";
import type { Told } from "./raw-server.ts";
import { textOf } from "./raw-server.ts";

interface Case {
  readonly answer: string;
  /** "keep" where nothing is said. */
  readonly after?: Afterwards;
  readonly method?: UpstreamRequest["method"];
  /** Status and content, and the failure behind them: "200 hello", "200 hel! reset", "! protocol". */
  readonly is: string;
  /** The connection may carry the next request. */
  readonly keeps?: boolean;
  /** Where undici does otherwise, and why that is no reason to do the same. */
  readonly undici?: { readonly is?: string; readonly keeps?: boolean; readonly why: string };
}

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;

const LENGTHS: Readonly<Record<string, Case>> = {
  "a length": { answer: `${OK}content-length: 2\r\n\r\nok`, is: "200 ok", keeps: true },
  "a length with blanks": {
    answer: `${OK}content-length: \t 2 \r\n\r\nok`,
    is: "200 ok",
    keeps: true,
    undici: { is: "200 ok! reset", why: "it takes a tab before a length for a part of it" },
  },
  "no content": { answer: `${OK}content-length: 0\r\n\r\n`, is: "200 ", keeps: true },
  "zeros before a length": {
    answer: `${OK}content-length: 0002\r\n\r\nok`,
    is: "200 ok",
    keeps: true,
  },
  "a length with a sign": { answer: `${OK}content-length: +2\r\n\r\nok`, is: "! protocol" },
  "a hexadecimal length": { answer: `${OK}content-length: 0x2\r\n\r\nok`, is: "! protocol" },
  "an empty length": { answer: `${OK}content-length:\r\n\r\nok`, is: "! protocol" },
  "a length in two parts": { answer: `${OK}content-length: 1 1\r\n\r\nok`, is: "! protocol" },
  "a length that is too exact": {
    answer: `${OK}content-length: 99999999999999999999\r\n\r\nok`,
    is: "! protocol",
  },
  "the same length twice": {
    answer: `${OK}content-length: 2\r\ncontent-length: 2\r\n\r\nok`,
    is: "! protocol",
  },
  "two lengths in one": { answer: `${OK}content-length: 2, 2\r\n\r\nok`, is: "! protocol" },
  "two different lengths": {
    answer: `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nok`,
    is: "! protocol",
  },
  "a length and chunks": {
    answer: `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    is: "! protocol",
  },
  "chunks and a length": {
    answer: `${OK}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`,
    is: "! protocol",
  },
  "more than its length": { answer: `${OK}content-length: 2\r\n\r\nokay`, is: "200 ok" },
  "less than its length, then the end": {
    answer: `${OK}content-length: 9\r\n\r\nok`,
    after: "end",
    is: "200 ok! reset",
  },
  "no framing, and the end": { answer: `${OK}\r\nok`, after: "end", is: "200 ok" },
  "no framing, and a reset": {
    answer: `${OK}\r\nok`,
    after: "cut",
    is: "200 ok! reset",
    undici: {
      is: "200 ok",
      why: "it takes a reset for an end: a cut answer would pass for a whole one",
    },
  },
  "no framing, and nothing": { answer: `${OK}\r\n`, after: "end", is: "200 " },
};

const CHUNKS: Readonly<Record<string, Case>> = {
  chunks: { answer: `${CHUNKED}2\r\nok\r\n3\r\nay!\r\n0\r\n\r\n`, is: "200 okay!", keeps: true },
  "sizes in both cases, with zeros": {
    answer: `${CHUNKED}00a\r\n0123456789\r\n0B\r\n01234567890\r\n000\r\n\r\n`,
    is: "200 012345678901234567890",
    keeps: true,
  },
  "only the last chunk": { answer: `${CHUNKED}0\r\n\r\n`, is: "200 ", keeps: true },
  "the coding's name in capitals": {
    answer: `${OK}Transfer-Encoding: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    is: "200 ok",
    keeps: true,
  },
  extensions: {
    answer: `${CHUNKED}2;a;b=c;d="e f"\r\nok\r\n0;last\r\n\r\n`,
    is: "200 ok",
    keeps: true,
  },
  trailers: {
    answer: `${CHUNKED}2\r\nok\r\n0\r\nx-sum: 1\r\nX-More: a: b\r\n\r\n`,
    is: "200 ok",
    keeps: true,
  },
  "line ends in the content": {
    answer: `${CHUNKED}7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n`,
    is: "200 \r\n0\r\n\r\n",
    keeps: true,
  },
  "bytes behind the last chunk": { answer: `${CHUNKED}2\r\nok\r\n0\r\n\r\nHTTP`, is: "200 ok" },
  "a second answer behind it": {
    answer: `${CHUNKED}0\r\n\r\n${OK}content-length: 4\r\n\r\nevil`,
    is: "200 ",
  },
  "no size": { answer: `${CHUNKED}\r\nok`, is: "200 ! protocol" },
  "a size that is none": { answer: `${CHUNKED}g\r\nok`, is: "200 ! protocol" },
  "a negative size": { answer: `${CHUNKED}-1\r\nok`, is: "200 ! protocol" },
  "a hexadecimal mark": { answer: `${CHUNKED}0x2\r\nok`, is: "200 ! protocol" },
  "a blank before the size": { answer: `${CHUNKED} 2\r\nok`, is: "200 ! protocol" },
  "a blank behind the size": { answer: `${CHUNKED}2 \r\nok`, is: "200 ! protocol" },
  "a size beyond 64 bits": { answer: `${CHUNKED}10000000000000000\r\nok`, is: "200 ! protocol" },
  "a bare line feed behind the size": { answer: `${CHUNKED}2\nok\r\n`, is: "200 ! protocol" },
  "a bare line feed in an extension": { answer: `${CHUNKED}2;a\nok\r\n`, is: "200 ! protocol" },
  "a bare return in an extension": { answer: `${CHUNKED}2;a\rok\r\n`, is: "200 ! protocol" },
  "content longer than its chunk": { answer: `${CHUNKED}2\r\nokay`, is: "200 ok! protocol" },
  "a bare line feed behind a chunk": {
    answer: `${CHUNKED}2\r\nok\n0\r\n\r\n`,
    is: "200 ok! protocol",
  },
  "a trailer without a name": {
    answer: `${CHUNKED}2\r\nok\r\n0\r\n: 1\r\n\r\n`,
    is: "200 ok! protocol",
  },
  "the end within a chunk": { answer: `${CHUNKED}5\r\nok`, after: "end", is: "200 ok! reset" },
  "the end behind a chunk": { answer: `${CHUNKED}2\r\nok\r\n`, after: "end", is: "200 ok! reset" },
  "the end within a size": { answer: `${CHUNKED}2`, after: "end", is: "200 ! reset" },
  "the end within trailers": {
    answer: `${CHUNKED}2\r\nok\r\n0\r\nx-sum: 1\r\n`,
    after: "end",
    is: "200 ok! reset",
  },
  "the end before the last line": {
    answer: `${CHUNKED}2\r\nok\r\n0\r\n`,
    after: "end",
    is: "200 ok! reset",
  },
  "an extension without measure": {
    answer: `${CHUNKED}2;${"x".repeat(5_000)}\r\nok\r\n0\r\n\r\n`,
    is: "200 ! protocol",
    undici: { is: "200 ok", keeps: true, why: "it has no limit" },
  },
  "a size of more digits than are exact": {
    answer: `${CHUNKED}00000000000002\r\nok\r\n0\r\n\r\n`,
    is: "200 ! protocol",
    undici: { is: "200 ok", keeps: true, why: "it counts in 64 bits" },
  },
  "two codings": {
    answer: `${OK}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    is: "! protocol",
    undici: { is: "200 ", keeps: true, why: "nobody undoes the other coding" },
  },
  "an unknown coding": {
    answer: `${OK}transfer-encoding: gzip\r\n\r\nok`,
    after: "end",
    is: "! protocol",
    undici: { is: "200 ok", why: "nobody undoes the coding" },
  },
  "chunked twice": {
    answer: `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    is: "! protocol",
    undici: {
      is: "200 ",
      keeps: true,
      why: "a body chunked twice, or not: readers differ (RFC 9112, section 6.1)",
    },
  },
};

const HEADS: Readonly<Record<string, Case>> = {
  "no reason": { answer: "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok", is: "200 ok", keeps: true },
  "an empty reason": {
    answer: "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok",
    is: "200 ok",
    keeps: true,
  },
  "a reason beyond ASCII": {
    answer: "HTTP/1.1 404 Gibt\xe9s nicht\r\ncontent-length: 2\r\n\r\nno",
    is: "404 no",
    keeps: true,
  },
  "an unheard-of status": {
    answer: "HTTP/1.1 799 X\r\ncontent-length: 2\r\n\r\nok",
    is: "799 ok",
    keeps: true,
  },
  "HTTP/1.0 with a length": {
    answer: "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    is: "200 ok",
  },
  "HTTP/1.0 to its end": { answer: "HTTP/1.0 200 OK\r\n\r\nok", after: "end", is: "200 ok" },
  "HTTP/1.0 with chunks": {
    answer: "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    is: "! protocol",
    undici: { is: "200 ok", why: "faulty framing (RFC 9112, section 6.1)" },
  },
  "HTTP/2.0": {
    answer: "HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    is: "! protocol",
    undici: { is: "200 ok", why: "no such answer can come in this form" },
  },
  "HTTP/1.2": { answer: "HTTP/1.2 200 OK\r\ncontent-length: 2\r\n\r\nok", is: "! protocol" },
  "small letters": { answer: "http/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", is: "! protocol" },
  "a status of two digits": {
    answer: "HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\nok",
    is: "! protocol",
  },
  "a status of four digits": {
    answer: "HTTP/1.1 2000 OK\r\ncontent-length: 2\r\n\r\nok",
    is: "! protocol",
  },
  "a status of zero": {
    answer: "HTTP/1.1 000 OK\r\ncontent-length: 2\r\n\r\nok",
    is: "! protocol",
  },
  "two blanks before the status": { answer: "HTTP/1.1  200 OK\r\n\r\n", is: "! protocol" },
  "an empty line first": {
    answer: `\r\n${OK}content-length: 2\r\n\r\nok`,
    is: "! protocol",
    undici: { is: "200 ok", keeps: true, why: "nothing may stand between answers" },
  },
  "no HTTP": { answer: "SSH-2.0-OpenSSH_9.9\r\n", is: "! protocol" },
  TLS: { answer: "\x15\x03\x03\x00\x02\x02\x28", is: "! protocol" },
  nothing: { answer: "", after: "end", is: "! reset" },
  "half a head": { answer: `${OK}content-le`, after: "end", is: "! reset" },
  "a bare line feed behind the status": {
    answer: "HTTP/1.1 200 OK\ncontent-length: 2\r\n\r\nok",
    is: "! protocol",
  },
  "a bare line feed behind a header": {
    answer: `${OK}x: y\ncontent-length: 2\r\n\r\nok`,
    is: "! protocol",
  },
  "only bare line feeds": { answer: "HTTP/1.1 200 OK\ncontent-length: 2\n\nok", is: "! protocol" },
  "a bare return in a header": {
    answer: `${OK}x: y\rz: 1\r\ncontent-length: 2\r\n\r\nok`,
    is: "! protocol",
  },
  "a zero byte in a header": {
    answer: `${OK}x: a\0b\r\ncontent-length: 2\r\n\r\nok`,
    is: "! protocol",
  },
  "a folded header": {
    answer: `${OK}x: a\r\n b\r\ncontent-length: 2\r\n\r\nok`,
    is: "! protocol",
  },
  "a blank before the colon": { answer: `${OK}content-length : 2\r\n\r\nok`, is: "! protocol" },
  "a header without a colon": { answer: `${OK}content-length\r\n\r\nok`, is: "! protocol" },
  "a header without a name": { answer: `${OK}: 2\r\n\r\nok`, is: "! protocol" },
  "a name beyond ASCII": { answer: `${OK}x\xe9: 2\r\n\r\nok`, is: "! protocol" },
  "a head that is too large": {
    answer: `${OK}x: ${"y".repeat(100_000)}\r\n\r\n`,
    is: "! protocol",
  },
  "many headers that are too large": {
    answer: `${OK}${`x: ${"y".repeat(1_000)}\r\n`.repeat(80)}\r\n`,
    is: "! protocol",
  },
};

const WITHOUT_BODY: Readonly<Record<string, Case>> = {
  "HEAD, with a length": {
    method: "HEAD",
    answer: `${OK}content-length: 9\r\n\r\n`,
    is: "200 ",
    keeps: true,
    undici: { keeps: false, why: "it closes behind every HEAD" },
  },
  "HEAD, with chunks": {
    method: "HEAD",
    answer: CHUNKED,
    is: "200 ",
    keeps: true,
    undici: { keeps: false, why: "it closes behind every HEAD" },
  },
  "HEAD, without framing": {
    method: "HEAD",
    answer: `${OK}\r\n`,
    is: "200 ",
    keeps: true,
    undici: { keeps: false, why: "it closes behind every HEAD" },
  },
  "204": { answer: "HTTP/1.1 204 No Content\r\n\r\n", is: "204 ", keeps: true },
  "204 with a length": {
    answer: "HTTP/1.1 204 No Content\r\ncontent-length: 9\r\n\r\n",
    is: "204 ",
    keeps: true,
    undici: { keeps: false, why: "it takes the length at its word" },
  },
  "304 with a length": {
    answer: "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n",
    is: "304 ",
    keeps: true,
    undici: { keeps: false, why: "it takes the length at its word" },
  },
  "304 with chunks": {
    answer: "HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n",
    is: "304 ",
    keeps: true,
    undici: { keeps: false, why: "it takes the coding at its word" },
  },
  "304 with a body all the same": { answer: "HTTP/1.1 304 Not Modified\r\n\r\nok", is: "304 " },
  "103, then the answer": {
    answer: `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${OK}content-length: 2\r\n\r\nok`,
    is: "200 ok",
    keeps: true,
  },
  "100 nobody asked for, then the answer": {
    answer: `HTTP/1.1 100 Continue\r\n\r\n${OK}content-length: 2\r\n\r\nok`,
    is: "200 ok",
    keeps: true,
    undici: { is: "! reset", why: "a client may pass over it (RFC 9110, section 15.2)" },
  },
  "102 with a length": {
    answer: `HTTP/1.1 102 Processing\r\ncontent-length: 2\r\n\r\n${OK}content-length: 2\r\n\r\nok`,
    is: "200 ok",
    keeps: true,
  },
  "101": {
    answer: "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    is: "! protocol",
    undici: { is: "! reset", why: "it is no connection that broke" },
  },
  "103 and the end": { answer: "HTTP/1.1 103 Early Hints\r\n\r\n", after: "end", is: "! reset" },
};

const CONNECTIONS: Readonly<Record<string, Case>> = {
  "connection: close": {
    answer: `${OK}connection: close\r\ncontent-length: 2\r\n\r\nok`,
    is: "200 ok",
  },
  "close among others": {
    answer: `${OK}connection: x, CLOSE\r\ncontent-length: 2\r\n\r\nok`,
    is: "200 ok",
  },
  "a header named like it": {
    answer: `${OK}connection: close-x\r\ncontent-length: 2\r\n\r\nok`,
    is: "200 ok",
    keeps: true,
  },
  "no time to live": {
    answer: `${OK}keep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok`,
    is: "200 ok",
  },
  "time to live": {
    answer: `${OK}keep-alive: timeout=60, max=9\r\ncontent-length: 2\r\n\r\nok`,
    is: "200 ok",
    keeps: true,
  },
};

const GROUPS = { LENGTHS, CHUNKS, HEADS, WITHOUT_BODY, CONNECTIONS };

describeClients((subject) => {
  for (const cases of Object.values(GROUPS)) {
    for (const [what, one] of Object.entries(cases)) {
      test(`${what}: ${one.is.trim()}`, () => check(subject, one));
    }
  }
});

async function check(subject: Subject, one: Case): Promise<void> {
  const server = await answering(one.answer, one.after);
  const client = subject.clientWith({ maxConnectionsPerOrigin: 1 });
  const ask = () => {
    const method = one.method ?? "POST";
    const body = method === "POST" ? [Buffer.from("{}")] : null;
    return subject.exchange(server, { method, body, firstByteTimeoutMs: 1_000 }, client);
  };
  const told = await ask();
  const differs = subject.name === "undici" ? one.undici : undefined;
  assert.equal(outcome(told), differs?.is ?? one.is);
  if (told.failure !== null) return;
  await ask();
  const keeps = differs?.keeps ?? one.keeps;
  assert.equal(server.accepted(), keeps === true ? 1 : 2, "connections for two requests");
}

function outcome(told: Told): string {
  const answer = told.status === null ? "" : `${told.status} ${textOf(told)}`;
  if (told.failure === null) return answer;
  assert.equal(told.failure.sent, true);
  return `${answer}! ${told.failure.kind}`;
}
