/** Sends one HTTP request exactly as told and gives back exactly what came, without a client's manners. */
import {
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import { request as tlsRequest } from "node:https";

export interface RawRequest {
  readonly method?: string;
  /** As it shall stand in the request line. */
  readonly path: string;
  /** Sent as they are; a `content-length` is added for a body unless transfer-encoding is named. */
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Buffer | string;
  readonly signal?: AbortSignal;
  /** For an origin with https: the authorities that are trusted, in PEM form. */
  readonly ca?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON; throws where it is none. */
  readonly json: () => unknown;
}

/** The error envelope of the Messages API. */
export interface ErrorEnvelope {
  readonly type: string;
  readonly error: { readonly type: string; readonly message: string };
  readonly request_id?: string;
}

/** Sends to the server at `origin` ("http://127.0.0.1:PORT") and reads the answer to its end. */
export async function send(origin: string, what: RawRequest): Promise<RawAnswer> {
  const { method = "POST", path, headers = {}, body, signal, ca } = what;
  const { protocol, hostname, port } = new URL(origin);
  const length = body === undefined || "transfer-encoding" in headers ? {} : lengthOf(body);
  const outgoing = (protocol === "https:" ? tlsRequest : request)({
    hostname,
    port,
    method,
    path,
    headers: { ...length, ...headers },
    ...(signal === undefined ? {} : { signal }),
    ...(ca === undefined ? {} : { ca }),
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    // A server may answer and close before it has read all: then the answer counts.
    outgoing.once("response", resolve).on("error", reject);
  });
  outgoing.end(body);
  const incoming = await answered;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body: bytes,
    json: () => JSON.parse(bytes.toString("utf8")) as unknown,
  };
}

function lengthOf(body: Buffer | string): OutgoingHttpHeaders {
  return { "content-length": Buffer.byteLength(body) };
}
