/** A server of scripted bytes on a real socket, and a client's view of one exchange as plain data. */
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import type {
  UpstreamClient,
  UpstreamExchange,
  UpstreamFailure,
  UpstreamRequest,
} from "../../src/providers/upstream.ts";

export interface RawServer {
  readonly port: number;
  readonly origin: string;
  /** Connections accepted so far. */
  readonly accepted: () => number;
  readonly open: () => number;
  readonly close: () => Promise<void>;
}

/** Listens on a free port of 127.0.0.1; `onSocket` plays the upstream. */
export async function rawServer(onSocket: (socket: Socket) => void): Promise<RawServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    // A client that cuts a connection is part of these tests.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    accepted: () => accepted,
    open: () => sockets.size,
    close: () => {
      sockets.forEach((socket) => socket.destroy());
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Calls back with head and body of each request, found by their content-length. */
export function onRequests(socket: Socket, answer: (head: string, body: Buffer) => void): void {
  let received = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      const headEnd = received.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const head = received.subarray(0, headEnd).toString("latin1");
      const bodyBytes = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const end = headEnd + 4 + bodyBytes;
      if (received.length < end) return;
      const body = received.subarray(headEnd + 4, end);
      received = received.subarray(end);
      answer(head, body);
    }
  });
}

/** All that one exchange told, in order. */
export interface Told {
  status: number | null;
  headers: Readonly<Record<string, string>>;
  readonly chunks: Buffer[];
  failure: UpstreamFailure | null;
  /** Names of the events, with repeated "data" folded into one. */
  readonly order: string[];
}

export interface Running {
  readonly told: Told;
  readonly exchange: UpstreamExchange;
  readonly over: Promise<Told>;
  readonly head: Promise<void>;
}

export const REQUEST: Omit<UpstreamRequest, "origin"> = {
  method: "POST",
  path: "/v1/messages?beta=true",
  headers: { "content-type": "application/json", "x-api-key": "sk-test" },
  body: [Buffer.from('{"a":1}')],
  allowPrivateNetwork: false,
  firstByteTimeoutMs: 5_000,
  idleTimeoutMs: 5_000,
};

/** Starts an exchange; `over` resolves at its end or failure. */
export function start(client: UpstreamClient, request: UpstreamRequest): Running {
  const told: Told = { status: null, headers: {}, chunks: [], failure: null, order: [] };
  const over = Promise.withResolvers<Told>();
  const head = Promise.withResolvers<void>();
  const note = (event: string): void => {
    if (event !== "data" || told.order.at(-1) !== "data") told.order.push(event);
  };
  const exchange = client.send(request, {
    onHead: (status, headers) => {
      note("head");
      told.status = status;
      told.headers = headers;
      head.resolve();
    },
    onData: (chunk) => {
      note("data");
      told.chunks.push(chunk);
    },
    onEnd: () => {
      note("end");
      over.resolve(told);
    },
    onFailure: (failure) => {
      note("failure");
      told.failure = failure;
      over.resolve(told);
    },
  });
  note("sent");
  return { told, exchange, over: over.promise, head: head.promise };
}

export function textOf(told: Told): string {
  return Buffer.concat(told.chunks).toString();
}
