/** The one place that knows undici's error codes: turns an error into a failure of the port. */
import type { UpstreamFailure } from "./upstream.ts";

/** How far a request had come when it failed. */
export interface FailedAt {
  /**
   * `waiting`: for a connection, so that every error is one of getting it; `started`: undici had one
   * and began to write; `body`: the head of the answer had come.
   */
  readonly stage: "waiting" | "started" | "body";
  /** The last byte of the request was handed to the socket. */
  readonly sent: boolean;
}

const CONNECT_TIMEOUTS: ReadonlySet<string> = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  // Before the start this can only be a proxy that does not answer CONNECT.
  "UND_ERR_HEADERS_TIMEOUT",
  "ETIMEDOUT",
]);

const CANNOT_BE_SENT: ReadonlySet<string> = new Set([
  "UND_ERR_INVALID_ARG",
  "UND_ERR_NOT_SUPPORTED",
]);

const CUT: ReadonlySet<string> = new Set([
  "UND_ERR_SOCKET",
  "UND_ERR_INFO",
  "UND_ERR_ABORTED",
  "UND_ERR_CLOSED",
  "UND_ERR_DESTROYED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

/** The failure that `error` stands for. Its detail is undici's or Node's own sentence, no header value. */
export function failureOf(error: Error, at: FailedAt): UpstreamFailure {
  const code = codeOf(error);
  const detail = code === "" ? error.message : `${code}: ${error.message}`;
  if (at.stage === "waiting") return { kind: kindBeforeStart(code), sent: at.sent, detail };
  // The one argument error that undici finds after the start: a proxy that forwards plain HTTP
  // answered 407, so the upstream behind it was never asked.
  if (code === "UND_ERR_INVALID_ARG") return { kind: "refused", sent: false, detail };
  const cut = CUT.has(code) || (at.stage === "body" && isShortBody(error, code));
  return { kind: cut ? "reset" : "protocol", sent: at.sent, detail };
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

function kindBeforeStart(code: string): UpstreamFailure["kind"] {
  if (CONNECT_TIMEOUTS.has(code)) return "connect_timeout";
  return CANNOT_BE_SENT.has(code) ? "protocol" : "refused";
}

/** The connection ended inside a body whose framing promised more. */
function isShortBody(error: Error, code: string): boolean {
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return true;
  // undici's parser errors carry no code (8.12.4 looks their names up in the wrong direction).
  return error.name === "HTTPParserError" && error.message.includes("Invalid EOF state");
}
