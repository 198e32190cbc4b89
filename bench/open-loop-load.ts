/** Sends requests at a fixed mean rate whether or not earlier ones are answered; run by open-loop.ts. */
import { readFileSync } from "node:fs";
import {
  isMainThread,
  parentPort,
  Worker,
  workerData,
  type MessagePort,
} from "node:worker_threads";
import { Pool } from "undici";
import { percentile } from "./statistics.ts";

/** Given as JSON in the only argument. */
export interface OpenLoop {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyFile: string;
  readonly perSecond: number;
  readonly seconds: number;
}

/** Printed as JSON. Latency counts from the moment at which a request was due, not sent. */
export interface OpenLoopResult {
  readonly requests: number;
  readonly failed: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
}

/** Those of the first moments meet cold connections and are not counted. */
const WARM_UP_SECONDS = 1;
const US_PER_MS = 1000;
const START_DELAY_MS = 50;

if (isMainThread) console.log(JSON.stringify(await load(argument())));
else pace(workerData as OpenLoop, parentPort);

function argument(): OpenLoop {
  return JSON.parse(process.argv[2] ?? "{}") as OpenLoop;
}

/** In a thread of its own, which sleeps until each request is due: an event loop's timers are too coarse. */
function pace({ perSecond, seconds }: OpenLoop, port: MessagePort | null): void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const startMs = performance.timeOrigin + performance.now() + START_DELAY_MS;
  const random = generator(20_261_123);
  let dueMs = startMs;
  while (dueMs < startMs + (seconds + WARM_UP_SECONDS) * US_PER_MS) {
    const leftMs = dueMs - (performance.timeOrigin + performance.now());
    if (leftMs > 0) Atomics.wait(never, 0, 0, leftMs);
    port?.postMessage({ dueMs, counted: dueMs >= startMs + WARM_UP_SECONDS * US_PER_MS });
    // Gaps of a Poisson process: developers do not agree on when to ask.
    dueMs += (-Math.log(1 - random()) * US_PER_MS) / perSecond;
  }
}

/** Mulberry32: the same arrivals for every proxy. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

async function load(of: OpenLoop): Promise<OpenLoopResult> {
  const pool = new Pool(of.url, { connections: null, pipelining: 1 });
  const body = readFileSync(of.bodyFile);
  const latenciesUs: number[] = [];
  const running: Promise<void>[] = [];
  let failed = 0;
  const send = async (dueMs: number, counted: boolean): Promise<void> => {
    try {
      const request = { path: "/v1/messages", method: "POST", headers: of.headers, body } as const;
      const response = await pool.request(request);
      await response.body.arrayBuffer();
      if (response.statusCode !== 200) failed++;
    } catch {
      // Counted: the caller says so in the place of the figures.
      failed++;
    }
    const latencyMs = performance.timeOrigin + performance.now() - dueMs;
    if (counted) latenciesUs.push(latencyMs * US_PER_MS);
  };
  const pacer = new Worker(new URL(import.meta.url), { workerData: of });
  pacer.on("message", ({ dueMs, counted }: { dueMs: number; counted: boolean }) => {
    running.push(send(dueMs, counted));
  });
  await new Promise((resolve) => {
    pacer.on("exit", resolve);
  });
  await Promise.all(running);
  await pool.close();
  const at = (share: number) => Math.round(percentile(latenciesUs, share));
  return {
    requests: latenciesUs.length,
    failed,
    p50Us: at(0.5),
    p99Us: at(0.99),
    p999Us: at(0.999),
  };
}
