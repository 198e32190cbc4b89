/**
 * Memory: what requests leave behind, and what an open stream holds. Counted is what is alive after a
 * collection in the gateway's process (heap and buffers). Resident memory, which is printed too, moves
 * by tens of megabytes with the moments at which garbage is collected, and so proves nothing.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, request, type IncomingMessage, type Server } from "node:http";
import { after, before, describe, test } from "node:test";
import { JSON_ANSWER, STREAM_EVENTS } from "../../bench/answers.ts";
import { messagesBody } from "../../bench/bodies.ts";
import { startGateway, until, type Gateway } from "../harness/gateway.ts";
import { ADA_KEY, SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { PROBE_ARGUMENTS, probesIn, type MemoryProbe } from "../harness/memory-probe.ts";
import { portOf } from "../harness/ports.ts";
import { inParallel } from "./load.ts";

/** Ten thousand take half a minute. */
const REQUESTS = Number(process.env["TOLLGATE_MEMORY_REQUESTS"] ?? 1000);
const STREAMS = Number(process.env["TOLLGATE_MEMORY_STREAMS"] ?? 300);
/** Some 6 MB that the start has left are freed by then. */
const WARM_UP_REQUESTS = 1200;
const WARM_UP_STREAMS = 30;
const REQUEST_BYTES = 200_000;
const AT_ONCE = 8;
const SESSIONS = 20;

/** Measured: half a megabyte less. A kept body would be 200 kB a request. */
const GROWTH_BYTES_MAX = 3_000_000;
/** The target is 50 kB, resident. Of that the kernel's and the allocator's part cannot be counted here. */
const STREAM_BYTES_MAX = 45_000;

describe("memory", () => {
  let upstream: Server;
  let gateway: Gateway;
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

  before(async () => {
    upstream = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
      const isStream = incoming.headers["x-claude-code-session-id"] === "streams";
      incoming.resume().on("end", () => {
        response.setHeader("content-type", isStream ? "text/event-stream" : "application/json");
        // A stream has begun, and nothing follows.
        if (isStream) response.write(STREAM_EVENTS.slice(0, 2).join(""));
        else response.end(JSON_ANSWER);
      });
    });
    await once(upstream.listen(0, "127.0.0.1"), "listening");
    gateway = await startGateway({
      config: smallConfig(`http://127.0.0.1:${portOf(upstream)}`),
      env: SMALL_ENV,
      nodeArguments: PROBE_ARGUMENTS,
    });
  });
  after(async () => {
    agent.destroy();
    await gateway?.dispose();
    upstream?.closeAllConnections();
    upstream?.close();
  });

  function open(body: Buffer, session: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = {
        "x-api-key": ADA_KEY,
        "x-claude-code-session-id": session,
        "content-type": "application/json",
        "content-length": body.length,
      };
      const asked = request(`${gateway.url}/v1/messages`, { method: "POST", agent, headers });
      asked.on("error", reject).on("response", (response) => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        response.on("error", () => undefined).once("data", () => resolve(response));
      });
      asked.end(body);
    });
  }

  async function answered(body: Buffer, session: string): Promise<void> {
    const response = await open(body, session);
    if (!response.readableEnded) await once(response.resume(), "end");
  }

  async function probe(): Promise<MemoryProbe> {
    const { length } = probesIn(gateway.logs());
    gateway.process().kill("SIGUSR2");
    await until(
      "the gateway has counted its memory",
      () => probesIn(gateway.logs()).length > length,
    );
    const last = probesIn(gateway.logs()).at(-1);
    assert.ok(last !== undefined);
    return last;
  }

  test(`${REQUESTS} requests of ${REQUEST_BYTES / 1000} kB leave nothing behind`, async (t) => {
    const body = messagesBody({ bytes: REQUEST_BYTES, stream: false });
    const serve = async (count: number): Promise<void> => {
      let left = count;
      await inParallel(AT_ONCE, () =>
        left-- > 0 ? answered(body, `session-${left % SESSIONS}`) : null,
      );
    };
    await serve(WARM_UP_REQUESTS);
    const before = await probe();
    await serve(REQUESTS);
    const after = await probe();
    const growth = after.live - before.live;
    t.diagnostic(`${Math.round(growth / 1000)} kB more alive; ${residentText(before, after)}`);
    assert.ok(growth < GROWTH_BYTES_MAX, `${growth} bytes more are alive`);
  });

  for (const kilobytes of [4, 100, 264]) {
    test(`an idle stream holds little, whatever its body of ${kilobytes} kB`, async (t) => {
      const body = messagesBody({ bytes: kilobytes * 1000, stream: true });
      const openAll = async (count: number): Promise<IncomingMessage[]> => {
        let left = count;
        return inParallel(AT_ONCE, () => (left-- > 0 ? open(body, "streams") : null));
      };
      const close = async (streams: readonly IncomingMessage[]): Promise<void> => {
        for (const stream of streams) stream.destroy();
        await until("nothing is held", async () =>
          (await gateway.budgets()).every((budget) => Number(budget.held_usd) === 0),
        );
      };
      await close(await openAll(WARM_UP_STREAMS));
      const before = await probe();
      const streams = await openAll(STREAMS);
      const after = await probe();
      const each = (after.live - before.live) / STREAMS;
      await close(streams);
      t.diagnostic(`${Math.round(each)} bytes each; ${residentText(before, after)}`);
      assert.ok(each < STREAM_BYTES_MAX, `${each} bytes a stream`);
    });
  }
});

function residentText(before: MemoryProbe, after: MemoryProbe): string {
  const [from, to] = [before, after].map(({ resident }) => Math.round(resident / 1e6));
  return `resident ${from} MB before, ${to} MB after`;
}
