/** One small call to a server that hands out tokens, over the upstream client: its proxy, its trust. */
import type { UpstreamRequest } from "../upstream.ts";
import { lastingFault, shownCode, temporaryFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import type { Machine } from "./machine.ts";

export interface TokenCall {
  /** As sentences name it: "Google's token server". */
  readonly server: string;
  readonly method: "GET" | "POST";
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface Reply {
  readonly ok: true;
  readonly status: number;
  readonly text: string;
}

/** No token server has more to say. */
export const REPLY_BYTES_MAX = 256 * 1024;

/**
 * The answer of a server, whatever its status. Never rejects: a server that cannot be reached, does
 * not end in time or says too much is a temporary fault, a URL that would send secrets in the clear a
 * lasting one.
 */
export function callTokenServer(
  { client, callDeadlineMs }: Machine,
  call: TokenCall,
): Promise<Reply | AuthFault> {
  const url = URL.parse(call.url);
  if (url === null || !isSafe(url)) {
    const sentence = `${call.server} has a URL that is not https: credentials are not sent to it`;
    return Promise.resolve(lastingFault(sentence));
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let status = 0;
    let bytes = 0;
    const finish = (result: Reply | AuthFault): void => {
      clearTimeout(deadline);
      resolve(result);
    };
    const exchange = client.send(upstreamRequest(call, url, callDeadlineMs), {
      onHead: (given) => (status = given),
      onData: (chunk) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes <= REPLY_BYTES_MAX) return;
        exchange.cancel();
        finish(temporaryFault(`${call.server} answered with more than a token`));
      },
      onEnd: () => finish({ ok: true, status, text: Buffer.concat(chunks).toString() }),
      onFailure: ({ kind, detail }) =>
        finish(temporaryFault(`${call.server} cannot be reached (${kind}: ${detail})`)),
    });
    const deadline = setTimeout(() => {
      exchange.cancel();
      finish(temporaryFault(`${call.server} did not answer in ${callDeadlineMs / 1_000} s`));
    }, callDeadlineMs);
  });
}

function upstreamRequest(
  { method, headers, body }: TokenCall,
  url: URL,
  deadlineMs: number,
): UpstreamRequest {
  return {
    method,
    origin: url.origin,
    path: url.pathname + url.search,
    headers: { accept: "application/json", ...headers },
    body: body === null ? null : [Buffer.from(body)],
    // Private endpoints of the clouds; the certificate proves that it is them.
    allowPrivateNetwork: url.protocol === "https:",
    firstByteTimeoutMs: deadlineMs,
    idleTimeoutMs: deadlineMs,
  };
}

function isSafe(url: URL): boolean {
  if (url.protocol === "https:") return true;
  return url.protocol === "http:" && isThisMachine(url.hostname);
}

/** As URLs spell it. */
export function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** The fault that an answer with an error status is; 408, 429 and 5xx pass. */
export function faultOfStatus(server: string, status: number, code: unknown): AuthFault {
  const sentence = `${server} answered with ${status}${shownCode(code)}`;
  const passes = status >= 500 || status === 429 || status === 408;
  return passes ? temporaryFault(sentence) : lastingFault(sentence);
}

/** The object that a text holds as JSON; empty where it holds none. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
