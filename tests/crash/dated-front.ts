/** Stands before an upstream and changes the time that it names, so that it agrees with a clock or does not. */
import { createServer, request } from "node:http";
import { once } from "node:events";
import { portOf } from "../harness/ports.ts";

export interface DatedFront {
  readonly url: string;
  /** How far the `Date` of its answers is from the true time. */
  offsetMs: number;
  /** How often it was asked for its `Date` alone. */
  asked: number;
  readonly stop: () => Promise<void>;
}

/** Passes everything on to the server at `origin`. */
export async function startDatedFront(origin: string): Promise<DatedFront> {
  const server = createServer((incoming, response) => {
    if (incoming.method === "HEAD") front.asked += 1;
    const { method, url = "/", headers } = incoming;
    const onward = request(`${origin}${url}`, { method, headers }, (answer) => {
      const date = new Date(Date.now() + front.offsetMs).toUTCString();
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, date });
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const front: DatedFront = {
    url: `http://127.0.0.1:${portOf(server)}`,
    offsetMs: 0,
    asked: 0,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return front;
}
