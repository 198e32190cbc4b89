/** Finds free loopback ports, for servers whose port must be known before they start. */
import { once } from "node:events";
import { createServer, type Server } from "node:net";

/** Below what systems give to outgoing connections, which would take a port between here and its use. */
const FIRST_PORT = 10_000;
const PORTS = 20_000;
const TRIES_MAX = 1_000;

/** `count` distinct loopback ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let tries = 0; servers.length < count; tries++) {
    if (tries === TRIES_MAX) throw new Error("no free loopback port was found");
    const server = await listening(FIRST_PORT + Math.floor(Math.random() * PORTS));
    if (server !== null) servers.push(server);
  }
  const ports = servers.map((server) => portOf(server));
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return ports;
}

/** Null where the port is taken. */
async function listening(port: number): Promise<Server | null> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return server;
  } catch {
    return null;
  }
}

/** The TCP port that a listening server is bound to. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("server is not listening on TCP");
  return address.port;
}
