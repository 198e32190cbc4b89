/** Writes the head of a request, and refuses what would not stay one header. */
import type { UpstreamRequest } from "../upstream.ts";

const PATH = /^\/[\x21-\x7e\x80-\xff]*$/;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Framing and addressing are this client's: what a caller says of them is not sent. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "transfer-encoding",
]);

/**
 * The head with its empty line, to be sent as Latin-1; null where path or a header hold a character
 * that HTTP does not allow there (a line end would begin a header of somebody else's choice).
 *
 * @param host host and port as the URL has them, without a default port.
 */
export function requestHead(
  request: UpstreamRequest,
  host: string,
  bodyBytes: number,
): string | null {
  const { method, path, headers } = request;
  if (!PATH.test(path)) return null;
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`;
  for (const name of Object.keys(headers)) {
    const value = headers[name] ?? "";
    if (!isName(name) || !VALUE.test(value)) return null;
    if (!OWN_HEADERS.has(name)) head += `${name}: ${value}\r\n`;
  }
  const hasLength = bodyBytes > 0 || method === "POST";
  return hasLength ? `${head}content-length: ${bodyBytes}\r\n\r\n` : `${head}\r\n`;
}

function isName(name: string): boolean {
  if (names.has(name)) return true;
  if (!NAME.test(name)) return false;
  if (names.size < NAMES_MAX) names.add(name);
  return true;
}

/** Names that have been found good: clients send the same few again and again. */
const names = new Set<string>();
const NAMES_MAX = 1_000;
