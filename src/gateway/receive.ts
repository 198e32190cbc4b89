/** Reads a request's body: bounded in size and in idle time, its chunks kept as they came. */
import type { IncomingMessage } from "node:http";
import { isRefusal, refusal, type Refusal } from "../core/refusal.ts";
import { ReceivedBody } from "./received-body.ts";

export interface ReceiveLimits {
  readonly maxBodyBytes: number;
  readonly bodyIdleMs: number;
}

/** The client went away before its body was complete: there is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}

/**
 * The whole body, or a refusal: `body_too_large` over the limit (by content-length before a byte is
 * read), `bad_request` for a `content-encoding` or a body that stalls.
 *
 * @throws ClientGone where the client hung up in between.
 */
export function receive(
  request: IncomingMessage,
  limits: ReceiveLimits,
): Promise<ReceivedBody | Refusal> {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    return Promise.resolve(
      refusal(
        "bad_request",
        `content-encoding: ${encoding.slice(0, 40)} is not accepted; send the body uncompressed.`,
      ),
    );
  if (Number(request.headers["content-length"] ?? 0) > limits.maxBodyBytes)
    return Promise.resolve(tooLarge(limits));
  return readChunks(request, limits);
}

function readChunks(
  request: IncomingMessage,
  limits: ReceiveLimits,
): Promise<ReceivedBody | Refusal> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let idle: NodeJS.Timeout | null = null;
    let isOver = false;
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      idle?.refresh();
      if (bytes > limits.maxBodyBytes) finish(tooLarge(limits));
      else chunks.push(chunk);
    };
    const onEnd = () => finish(new ReceivedBody(chunks));
    const onClose = () => {
      stop();
      reject(new ClientGone("the client hung up while sending its body"));
    };
    const stop = () => {
      isOver = true;
      if (idle !== null) clearTimeout(idle);
      request.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
    };
    const finish = (result: ReceivedBody | Refusal) => {
      stop();
      // The rest of a refused body is read and dropped: the client sees the answer, not a reset.
      if (isRefusal(result)) request.resume();
      resolve(result);
    };
    request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
    // A small body has come with its head and is read by now: most requests need no timer.
    process.nextTick(() => {
      if (isOver || request.complete) return;
      idle = setTimeout(() => finish(stalled(limits)), limits.bodyIdleMs);
    });
  });
}

function tooLarge(limits: ReceiveLimits): Refusal {
  return refusal(
    "body_too_large",
    `The request body is over the limit of ${limits.maxBodyBytes} bytes (server.max_body_mb); ` +
      "send less, for example after /compact.",
  );
}

function stalled(limits: ReceiveLimits): Refusal {
  return refusal(
    "bad_request",
    `No byte of the body came for ${limits.bodyIdleMs / 1000} s (server.timeouts.body_idle); send it again.`,
  );
}
