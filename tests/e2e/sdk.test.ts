/** Results of @anthropic-ai/sdk through the gateway are deeply equal to results without it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { nanoOf } from "../harness/bill.ts";
import { startGateway, type Gateway } from "../harness/gateway.ts";
import { ADA_KEY, SMALL_ENV, smallConfig, UPSTREAM_KEY } from "../harness/gateway-config.ts";
import { text } from "../harness/scripts.ts";
import { isMessages, type ReceivedRequest } from "../harness/upstream-request.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { scriptOf, SHAPES } from "./sdk-shapes.ts";

/** Headers of the client that a provider must get as they were sent. */
const FORWARDED = /^(anthropic-|x-stainless-|x-app|user-agent|content-type|accept$)/;

describe("@anthropic-ai/sdk through the gateway", () => {
  let alone: Upstream;
  let behind: Upstream;
  let gateway: Gateway;
  let direct: Anthropic;
  let through: Anthropic;

  before(async () => {
    alone = await startUpstream(() => text("unset"));
    behind = await startUpstream(() => text("unset"));
    const budgets = { key: [{ usd: "100000", per: "day" }] };
    gateway = await startGateway({ config: smallConfig(behind.url, { budgets }), env: SMALL_ENV });
    direct = new Anthropic({ apiKey: UPSTREAM_KEY, baseURL: alone.url, maxRetries: 0 });
    through = new Anthropic({
      apiKey: ADA_KEY,
      baseURL: `${gateway.url}/anthropic`,
      maxRetries: 0,
    });
  });
  after(async () => {
    await gateway?.dispose();
    await Promise.all([alone?.stop(), behind?.stop()]);
  });

  for (const shape of SHAPES) {
    test(shape.name, async () => {
      alone.answerWith(scriptOf(shape));
      behind.answerWith(scriptOf(shape));
      const [aloneSince, behindSince] = [alone.requests.length, behind.requests.length];
      const expected = await outcome(shape.call(direct));
      assert.deepEqual(await outcome(shape.call(through)), expected);
      const sent = alone.requests.slice(aloneSince);
      // Where an answer tells no usage, the gateway asks for a count of its own.
      const counts = sent.some((request) => !isMessages(request));
      const arrived = behind.requests
        .slice(behindSince)
        .filter((request) => counts || isMessages(request));
      assert.deepEqual(arrived.map(essence), sent.map(essence));
    });
  }

  test("and the sum of all rows that are not estimated is the upstream's bill of them", async () => {
    const calls = alone.requests.filter((request) => request.method === "POST").length;
    const rows = await gateway.rows((all) => all.length >= calls && all.every(isOver));
    const byCost = (a: bigint, b: bigint): number => Number(a - b);
    const exact = rows.filter((row) => !row.estimated).map((row) => nanoOf(row.cost_usd));
    const complete = behind.bill.chargesOf("complete");
    assert.deepEqual(exact.filter((cost) => cost > 0n).toSorted(byCost), complete.toSorted(byCost));
    const estimated = rows
      .filter((row) => row.estimated)
      .reduce((sum, row) => sum + nanoOf(row.cost_usd), 0n);
    const cut = behind.bill.chargesOf("cut").reduce((sum, cost) => sum + cost, 0n);
    assert.ok(estimated >= cut, `estimated ${estimated}, billed ${cut}`);
  });
});

/** The SDK's error without its `any`. */
interface FailedCall {
  readonly name: string;
  readonly status: number | undefined;
  readonly headers: Headers | undefined;
  readonly error: unknown;
  readonly type: string | null;
  readonly message: string;
  readonly requestID: string | null | undefined;
}

function isOver(row: { readonly outcome: string | null }): boolean {
  return row.outcome !== null;
}

/** A result or an error as plain data. */
async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return { result: await call };
  } catch (cause) {
    if (!(cause instanceof Anthropic.APIError)) throw cause;
    const failure: FailedCall = cause;
    const { name, status, error, type, message, requestID } = failure;
    const retryAfter = failure.headers?.get("retry-after") ?? null;
    return { name, status, error, type, message, requestID, retryAfter };
  }
}

/** What must be equal of a request at the provider, whichever way it came. */
function essence(request: ReceivedRequest): unknown {
  const headers = Object.entries(request.headers).filter(([name]) => FORWARDED.test(name));
  const body = request.body.toString("utf8");
  return { method: request.method, url: request.url, headers: Object.fromEntries(headers), body };
}
