/** Turns what Node says of a broken socket into a failure of the port. */
import type { UpstreamFailure } from "../upstream.ts";

/** The connection is gone; every other error on an open one is the protocol's (a broken TLS record). */
const CUT: ReadonlySet<string> = new Set([
  "",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

/** Before the connection could carry anything: nothing was sent. `null`: it closed without an error. */
export function failureToConnect(error: Error | null): UpstreamFailure {
  const kind = codeOf(error) === "ETIMEDOUT" ? "connect_timeout" : "refused";
  return { kind, sent: false, detail: detailOf(error) };
}

/** In the middle of an exchange. */
export function failureUnderWay(error: Error | null, sent: boolean): UpstreamFailure {
  return { kind: CUT.has(codeOf(error)) ? "reset" : "protocol", sent, detail: detailOf(error) };
}

function codeOf(error: Error | null): string {
  return error !== null && "code" in error && typeof error.code === "string" ? error.code : "";
}

function detailOf(error: Error | null): string {
  if (error === null) return "the upstream closed the connection";
  // Several addresses were tried: the error that holds theirs has no sentence of its own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const sentence = first instanceof Error ? first.message : error.message;
  const code = codeOf(error);
  return code === "" || sentence.includes(code) ? sentence : `${code}: ${sentence}`;
}
