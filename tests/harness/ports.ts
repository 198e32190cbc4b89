/** Finds free loopback ports, for servers whose port must be known before they start. */
import { createServer, type Server } from "node:net";
import { once } from "node:events";

/** `count` distinct loopback ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let index = 0; index < count; index++) {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
  }
  const ports = servers.map((server) => portOf(server));
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return ports;
}

/** The TCP port that a listening server is bound to. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("server is not listening on TCP");
  return address.port;
}
