/** What an open stream costs in memory while nothing comes. */
import { Agent, request, type IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { probesIn } from "../tests/harness/memory-probe.ts";
import { residentBytes } from "./cpu-time.ts";
import type { Proxy } from "./proxies.ts";

export interface IdleStreams {
  readonly streams: number;
  readonly body: Buffer;
}

/** Bytes that each open stream added. */
export interface IdleCost {
  /** Resident, the kernel's socket buffers not in it. With garbage that waits for its collection. */
  readonly resident: number;
  /** Left by a collection; null where the proxy has no probe. */
  readonly alive: number | null;
}

/** Opened and ended before, so that what every process allocates once is there. */
const WARM_UP_STREAMS = 50;
/** Opened at a time: a burst of connections is no part of what is asked. */
const AT_ONCE = 50;
const REST_MS = 2000;

/** Opens the streams and measures. The upstream's pace has to be "idle". */
export async function idleStreamCost(
  proxy: Proxy,
  of: IdleStreams,
  isProbed: boolean,
): Promise<IdleCost> {
  await closeAll(await openStreams(proxy, of.body, WARM_UP_STREAMS));
  await delay(REST_MS);
  const aliveBefore = isProbed ? await aliveBytes(proxy) : null;
  const before = residentBytes(proxy.pid);
  const open = await openStreams(proxy, of.body, of.streams);
  await delay(REST_MS);
  const after = residentBytes(proxy.pid);
  const alive = aliveBefore === null ? null : (await aliveBytes(proxy)) - aliveBefore;
  await closeAll(open);
  return {
    resident: (after - before) / of.streams,
    alive: alive === null ? null : alive / of.streams,
  };
}

async function aliveBytes(proxy: Proxy): Promise<number> {
  process.kill(proxy.pid, "SIGUSR2");
  await delay(REST_MS);
  const last = probesIn(proxy.printed()).at(-1);
  if (last === undefined) throw new Error("the proxy has printed no probe of its memory");
  return last.live;
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
