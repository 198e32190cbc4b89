/** Servers on addresses: listening with a clear word where that fails, and closing without cutting answers. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Address } from "../config/config.ts";

/** An address that cannot be listened on; the message names it and the remedy. */
export class CannotListen extends Error {
  override readonly name = "CannotListen";
}

/** The error for an address that could not be bound; `setting` names where another is chosen. */
export function cannotListen(address: Address, error: unknown, setting: string): CannotListen {
  const where = `${address.host}:${address.port}`;
  const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  const why = isTaken ? "another process listens there" : String(error);
  return new CannotListen(`cannot listen on ${where}: ${why}; choose another with ${setting}`);
}

/**
 * Listens and gives the address that was bound (port 0 asks for a free one).
 *
 * @throws CannotListen where the address is taken or not ours.
 */
export function listen(server: Server, address: Address, setting: string): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen(address, error, setting)));
    server.listen(address.port, address.host, () => {
      const bound = server.address() as AddressInfo;
      resolve({ host: address.host, port: bound.port });
    });
  });
}

/** Stops accepting, ends idle connections, and resolves when the last answer is out or at the deadline. */
export async function closeServer(server: Server, deadline: Promise<void>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  // Connections that fall idle from here on would be kept alive for their next request.
  const sweep = setInterval(() => server.closeIdleConnections(), 100);
  await Promise.race([closed, deadline]);
  clearInterval(sweep);
  server.closeAllConnections();
}
