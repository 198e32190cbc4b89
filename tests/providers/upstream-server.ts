/** Puts an upstream client behind a plain HTTP server, so that real clients can talk to it. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { UpstreamClient } from "../../src/providers/upstream.ts";

interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface UpstreamServer {
  readonly origin: string;
  readonly seen: readonly SeenRequest[];
  readonly close: () => Promise<void>;
}

/** Listens on 127.0.0.1 (a free port for 0) and hands every request to `client`. */
export async function serveUpstream(client: UpstreamClient, port = 0): Promise<UpstreamServer> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      seen.push({ method, path, headers, body: Buffer.concat(chunks) });
      if (method === "GET" || method === "POST") relay(client, { method, path, chunks }, response);
      else response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await client.close();
    },
  };
}

interface Asked {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly chunks: readonly Buffer[];
}

function relay(client: UpstreamClient, asked: Asked, response: ServerResponse): void {
  const exchange = client.send(
    {
      method: asked.method,
      origin: "http://rehearsal.invalid",
      path: asked.path,
      headers: {},
      body: asked.chunks.length === 0 ? null : asked.chunks,
      allowPrivateNetwork: false,
      firstByteTimeoutMs: 10_000,
      idleTimeoutMs: 10_000,
    },
    {
      onHead: (status, headers) => response.writeHead(status, headers).flushHeaders(),
      onData: (chunk) => response.write(chunk),
      onEnd: () => response.end(),
      onFailure: (failure) => response.destroy(new Error(failure.detail)),
    },
  );
  response.on("close", () => exchange.cancel());
}
