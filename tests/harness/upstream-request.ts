/** A request as the scripted upstream received it. */
import type { IncomingMessage } from "node:http";

/** The fields of a Messages request that scripts look at. */
interface MessagesBody {
  readonly model: string;
  readonly stream?: boolean;
  readonly max_tokens?: number;
  readonly system?: unknown;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly tools?: readonly { readonly name: string }[];
  readonly [field: string]: unknown;
}

/** One request as it arrived. */
export interface ReceivedRequest {
  /** From 0, over all paths. */
  readonly index: number;
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  /** Names and values in order, as sent. */
  readonly rawHeaders: readonly string[];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** The body as a Messages request; throws where it is no JSON. */
  readonly json: () => MessagesBody;
}

/** Reads one request to its end; null where the client went away before. */
export async function receive(
  index: number,
  incoming: IncomingMessage,
): Promise<ReceivedRequest | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
  } catch {
    return null;
  }
  const body = Buffer.concat(chunks);
  let parsed: MessagesBody | null = null;
  return {
    index,
    method: incoming.method ?? "",
    url: incoming.url ?? "",
    rawHeaders: incoming.rawHeaders,
    headers: incoming.headers,
    body,
    json: () => (parsed ??= JSON.parse(body.toString("utf8")) as MessagesBody),
  };
}

/** True for `POST /v1/messages`, whatever its query. */
export function isMessages(request: ReceivedRequest): boolean {
  return request.method === "POST" && request.url.split("?")[0] === "/v1/messages";
}

/** The client's session header; null where there is none. */
export function sessionOf(request: ReceivedRequest): string | null {
  const session = request.headers["x-claude-code-session-id"];
  return typeof session === "string" ? session : null;
}
