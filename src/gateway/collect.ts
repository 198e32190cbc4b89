/** A small call of our own to an upstream, collected whole: models, counts, a look at its clock. */
import type { UpstreamClient, UpstreamRequest } from "../providers/upstream.ts";

export interface Collected {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The whole answer, or null where none came within `deadlineMs` or it is over `maxBytes`. */
export function collect(
  client: UpstreamClient,
  request: UpstreamRequest,
  limits: { readonly deadlineMs: number; readonly maxBytes: number },
): Promise<Collected | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let head: { status: number; headers: Readonly<Record<string, string>> } | null = null;
    let bytes = 0;
    const finish = (result: Collected | null) => {
      clearTimeout(deadline);
      resolve(result);
    };
    const exchange = client.send(request, {
      onHead: (status, headers) => {
        head = { status, headers };
      },
      onData: (chunk) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > limits.maxBytes) giveUp();
      },
      onEnd: () => finish(head === null ? null : { ...head, body: Buffer.concat(chunks) }),
      onFailure: () => finish(null),
    });
    const giveUp = () => {
      exchange.cancel();
      finish(null);
    };
    const deadline = setTimeout(giveUp, limits.deadlineMs);
  });
}
