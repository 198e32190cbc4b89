/** Both upstream clients, and what the tests of the port share: every case runs against each. */
import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { after, describe } from "node:test";
import type { Resolve } from "../../src/providers/network/guard.ts";
import { createSocketClient } from "../../src/providers/socket/client.ts";
import { createUndiciClient } from "../../src/providers/undici-client.ts";
import type { UpstreamClient, UpstreamRequest } from "../../src/providers/upstream.ts";
import type { TestAuthority } from "./certificates.ts";
import type { RawServer, Told } from "./raw-server.ts";
import { onRequests, rawServer, REQUEST, start } from "./raw-server.ts";

interface ClientOptions {
  readonly connectTimeoutMs: number;
  readonly caPem: string | null;
  readonly maxConnectionsPerOrigin: number;
  readonly resolve?: Resolve;
}

/** How the tests of one implementation reach it. */
export interface Subject {
  /** For the few differences that are documented. */
  readonly name: "undici" | "socket";
  /** Closed when the file's tests are over. */
  readonly clientWith: (options?: Partial<ClientOptions>) => UpstreamClient;
  /** One exchange with a server or origin, by a client of its own unless one is given. */
  readonly exchange: (
    server: RawServer | string,
    overrides?: Partial<UpstreamRequest>,
    client?: UpstreamClient,
  ) => Promise<Told>;
}

const closers: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of closers.reverse()) await close();
});

export function closeAtEnd(close: () => Promise<unknown>): void {
  closers.push(close);
}

/** Runs `tests` once for each implementation of the port. */
export function describeClients(tests: (subject: Subject) => void): void {
  describe("undici", () => {
    tests(subjectOf("undici", createUndici));
  });
  describe("socket", () => {
    tests(subjectOf("socket", createSocketClient));
  });
}

function createUndici({ caPem, ...options }: ClientOptions): UpstreamClient {
  return createUndiciClient({ ...options, outbound: { proxyUrl: null, caPem } });
}

function subjectOf(
  name: Subject["name"],
  create: (options: ClientOptions) => UpstreamClient,
): Subject {
  const clientWith = (options: Partial<ClientOptions> = {}): UpstreamClient => {
    const client = create({
      connectTimeoutMs: 2_000,
      caPem: null,
      maxConnectionsPerOrigin: 4,
      ...options,
    });
    closeAtEnd(() => client.close());
    return client;
  };
  return {
    name,
    clientWith,
    exchange: (server, overrides = {}, client = clientWith()) => {
      const origin = typeof server === "string" ? server : server.origin;
      return start(client, { ...REQUEST, origin, ...overrides }).over;
    },
  };
}

export async function serverWith(onSocket: (socket: Socket) => void): Promise<RawServer> {
  const server = await rawServer(onSocket);
  closeAtEnd(() => server.close());
  return server;
}

export interface TlsServer {
  readonly origin: string;
  /** What each connection was: its protocol, the name asked for, whether a session was resumed. */
  readonly connections: { alpn: string | false; servername: string; resumed: boolean }[];
}

/** Answers over TLS with the HTTP version it was asked in, unless there is a listener. */
export async function tlsServer(
  { cert, key }: TestAuthority,
  onRequest: RequestListener = (request, response) => {
    request.resume().on("end", () => response.end(`secure ${request.httpVersion}`));
  },
): Promise<TlsServer> {
  const connections: TlsServer["connections"] = [];
  const server = createServer({ cert, key }, onRequest);
  server.on("secureConnection", (socket) => {
    const servername = String((socket as { servername?: string | false }).servername ?? "");
    const alpn = socket.alpnProtocol ?? false;
    connections.push({ alpn, servername, resumed: socket.isSessionReused() });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closeAtEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `https://127.0.0.1:${port}`, connections };
}

/** What the scripted server does behind its answer; "cut" resets the connection. */
export type Afterwards = "keep" | "end" | "cut";

/** A server that answers every request with `bytes`. */
export function answering(bytes: string, then: Afterwards = "keep"): Promise<RawServer> {
  return serverWith((socket) =>
    onRequests(socket, () => {
      socket.write(Buffer.from(bytes, "latin1"), () => {
        if (then === "end") socket.end();
        // A moment, so that the bytes do arrive before the reset discards them.
        if (then === "cut") setTimeout(() => socket.resetAndDestroy(), 20);
      });
    }),
  );
}

export function assertFailure(told: Told, kind: string, sent: boolean): void {
  assert.equal(told.failure?.kind, kind, told.failure?.detail);
  assert.equal(told.failure?.sent, sent, told.failure?.detail);
  assert.equal(told.order.at(-1), "failure");
  assert.ok(!told.failure?.detail.includes("sk-test"), "the detail holds no credential");
}
