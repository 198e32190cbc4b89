/** The control API's server: where it listens, and how it ends. */
import { chmodSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Address } from "../config/config.ts";
import { createBrowserSessions } from "./browser-sessions.ts";
import { createHttp } from "./http.ts";
import type { ControlPorts } from "./ports.ts";
import { controlRoutes } from "./routes.ts";

export interface ControlServer {
  /** Resolves to the address that was bound: another port where 0 was asked for. */
  readonly listen: (address: Address) => Promise<Address>;
  /**
   * Listens on a Unix socket that its user alone can open; whoever can is the administrator. What
   * is at `path` is replaced: call it with the data directory locked.
   */
  readonly listenSocket: (path: string) => Promise<void>;
  /** Ends after the calls in flight. */
  readonly close: () => Promise<void>;
}

/** Nobody but the owner: the socket's file is made with these rights, not given them later. */
const OTHERS_MASK = 0o177;
const SOCKET_MODE = 0o600;
const SWEEP_MS = 50;

/** A server that listens nowhere yet. */
export function createControlServer(ports: ControlPorts): ControlServer {
  const sessions = createBrowserSessions(ports.clock);
  const routes = controlRoutes(ports, sessions);
  const opened: FastifyInstance[] = [];
  const open = (door: "network" | "socket"): FastifyInstance => {
    const app = createHttp(routes, { ports, sessions, door });
    opened.push(app);
    return app;
  };
  return {
    async listen({ host, port }) {
      const app = open("network");
      await app.listen({ host, port });
      return { host, port: (app.server.address() as AddressInfo).port };
    },
    async listenSocket(path) {
      const app = open("socket");
      await app.ready();
      rmSync(path, { force: true });
      await listenPrivately(app, path);
    },
    async close() {
      await Promise.all(opened.map(closeApp));
    },
  };
}

async function closeApp(app: FastifyInstance): Promise<void> {
  // Connections that fall idle while it closes would be kept alive for their next call.
  const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
  }
}

/** @throws the error of a path that cannot be listened on: it is too long, or its folder is missing. */
async function listenPrivately({ server }: FastifyInstance, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  const before = process.umask(OTHERS_MASK);
  try {
    // The file is made before this returns.
    server.listen(path, resolve);
  } finally {
    process.umask(before);
  }
  await promise;
  server.off("error", reject);
  chmodSync(path, SOCKET_MODE);
}
