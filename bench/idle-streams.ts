/** What an open stream costs in memory while nothing comes. */
import { Agent, request, type IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { residentBytes } from "./cpu-time.ts";
import type { Proxy } from "./proxies.ts";

export interface IdleStreams {
  readonly streams: number;
  readonly body: Buffer;
}

/** Opened and ended before, so that what every process allocates once is there. */
const WARM_UP_STREAMS = 50;
/** Opened at a time: a burst of connections is no part of what is asked. */
const AT_ONCE = 50;
const REST_MS = 2000;

/**
 * Bytes of resident memory that each of the open streams added; the kernel's socket buffers are not in it.
 * The upstream's pace has to be "idle".
 */
export async function idleStreamBytes(proxy: Proxy, of: IdleStreams): Promise<number> {
  await closeAll(await openStreams(proxy, of.body, WARM_UP_STREAMS));
  await delay(REST_MS);
  const before = residentBytes(proxy.pid);
  const open = await openStreams(proxy, of.body, of.streams);
  await delay(REST_MS);
  const after = residentBytes(proxy.pid);
  await closeAll(open);
  return (after - before) / of.streams;
}

async function openStreams(proxy: Proxy, body: Buffer, count: number): Promise<IncomingMessage[]> {
  const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
  const open: IncomingMessage[] = [];
  while (open.length < count) {
    const group = Math.min(AT_ONCE, count - open.length);
    open.push(...(await Promise.all(Array.from({ length: group }, () => openOne()))));
  }
  return open;

  function openOne(): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = {
        ...proxy.headers("5f0c7f2e-1d36-4a8e-9a53-0f6f5f0e7c11"),
        "content-length": body.length,
      };
      const sent = request(`${proxy.url}/v1/messages`, { method: "POST", agent, headers });
      sent.on("error", reject);
      sent.on("response", (response) => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        // Begun: the first event is here.
        response.once("data", () => resolve(response));
        response.on("error", () => undefined);
      });
      sent.end(body);
    });
  }
}

async function closeAll(open: readonly IncomingMessage[]): Promise<void> {
  for (const response of open) response.destroy();
  await delay(REST_MS);
}
