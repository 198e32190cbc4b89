/** Reads the head of an HTTP/1 answer: its status, its headers and how its body ends. */

export interface AnswerHead {
  readonly status: number;
  /** Names in lower case, repeated ones joined with ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the body, or what ends it. For an answer that has one: HEAD, 204 and 304 have none. */
  readonly body: number | "chunks" | "close";
  /** The upstream lets its connection be used again. */
  readonly keepsConnection: boolean;
  /** How long it keeps an idle one, where it says so. */
  readonly keepAliveMs: number | null;
}

const TAB = 9;
const SPACE = 32;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** Header lines to the text's end: each a name (RFC 9110, `token`), a colon, a value, CRLF. */
const FIELDS = /(?:[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/y;
/** More digits would not be exact. */
const LENGTH = /^\d{1,15}$/;
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const KEEP_ALIVE_TIMEOUT = /(?:^|[,;])[\t ]*timeout[\t ]*=[\t ]*(\d{1,6})\b/i;

/**
 * Reads a head, strictly: what two readers might understand differently (RFC 9112, sections 2.2, 5
 * and 6.3: bare line feeds, folded lines, spaces before the colon, two framings or two lengths, a
 * coding besides "chunked") is a fault, because whoever controls the difference controls where the
 * next answer on the connection begins.
 *
 * @param text Latin-1, every line with its CRLF, without the empty line.
 * @returns the head, or one sentence of what is wrong.
 */
export function readHead(text: string): AnswerHead | string {
  const lineEnd = text.indexOf("\r\n");
  const line = STATUS_LINE.exec(text.slice(0, lineEnd));
  if (line === null) return "no HTTP/1 status line";
  const headers = readFields(text, lineEnd + 2);
  if (typeof headers === "string") return headers;
  const isOld = line[1] === "0";
  const body = bodyOf(headers, isOld);
  if (typeof body === "object") return body.fault;
  return {
    status: Number(line[2]),
    headers,
    body,
    keepsConnection: !isOld && !CLOSE.test(headers["connection"] ?? ""),
    keepAliveMs: keepAliveMs(headers["keep-alive"]),
  };
}

/**
 * Reads header or trailer lines from `from` to the end of `text`.
 *
 * @returns an object without a prototype (names are the upstream's choice), or what is wrong.
 */
export function readFields(text: string, from: number): Record<string, string> | string {
  FIELDS.lastIndex = from;
  if (!FIELDS.test(text)) return "a header line that HTTP does not allow";
  const fields = Object.create(null) as Record<string, string>;
  for (let at = from; at < text.length;) {
    const colon = text.indexOf(":", at);
    const end = text.indexOf("\r\n", colon);
    const name = lowerCase(text.slice(at, colon));
    const value = trimmed(text, colon + 1, end);
    const earlier = fields[name];
    fields[name] = earlier === undefined ? value : `${earlier}, ${value}`;
    at = end + 2;
  }
  return fields;
}

/** Names as they were written, with what they are called here: the same ones come again and again. */
const KNOWN_NAMES = new Map<string, string>();
const KNOWN_NAMES_MAX = 500;

function lowerCase(written: string): string {
  const known = KNOWN_NAMES.get(written);
  if (known !== undefined) return known;
  const name = written.toLowerCase();
  if (KNOWN_NAMES.size < KNOWN_NAMES_MAX) KNOWN_NAMES.set(written, name);
  return name;
}

function trimmed(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

function bodyOf(
  headers: Readonly<Record<string, string>>,
  isOld: boolean,
): AnswerHead["body"] | { readonly fault: string } {
  const length = headers["content-length"];
  const coding = headers["transfer-encoding"];
  if (coding !== undefined) {
    if (length !== undefined) return { fault: "both content-length and transfer-encoding" };
    if (isOld) return { fault: "transfer-encoding in HTTP/1.0" };
    return coding.toLowerCase() === "chunked"
      ? "chunks"
      : { fault: "an unknown transfer-encoding" };
  }
  if (length === undefined) return "close";
  // Joined, two lengths hold a comma: even equal ones are refused.
  return LENGTH.test(length) ? Number(length) : { fault: "a content-length that is no number" };
}

function keepAliveMs(value: string | undefined): number | null {
  const seconds = value === undefined ? null : KEEP_ALIVE_TIMEOUT.exec(value)?.[1];
  return seconds === undefined || seconds === null ? null : Number(seconds) * 1000;
}
