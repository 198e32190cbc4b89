/** Two targets, one of which fails three of ten attempts in ten ways, under a few hundred requests at once. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { lineNano, nanoOf, type BillLine } from "../harness/bill.ts";
import { settledRows, startGateway, until, type Gateway } from "../harness/gateway.ts";
import type { RawAnswer } from "../harness/raw-request.ts";
import { apiError, htmlError, text, type Answer } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { sessionOf, type ReceivedRequest } from "../harness/upstream-request.ts";
import { secretOf } from "./desk.ts";
import type { RequestView } from "./failover-desk.ts";
import { inParallel, sendLoad } from "./load.ts";

const SEED = Number(process.env["TOLLGATE_SEED"] ?? Date.now() % 1_000_000);
const REQUESTS = 400;
const WIDTH = 40;
/** Providers that are the failing target: one alone would soon rest, and the run be over. */
const NAMES = ["flaky1", "flaky2", "flaky3"] as const;
const WAYS_MET_MIN = 4;
const DETAILS_AT_ONCE = 8;
const FAILING_SHARE = 0.3;
const EXTRAS_FREE = 30;
const EXTRAS_SHARE = 0.2;
const MINUTE_MS = 60_000;
/** After so many events a stream has shown content; a whole answer is never shown by half. */
const CONTENT_SHOWN = 4;

const ENV = {
  UPSTREAM: "upstream-credential",
  ...Object.fromEntries(NAMES.map((id) => [`CLIENT_${id.toUpperCase()}`, secretOf(id)])),
};

/** Each takes the answer that would have been given. */
const WAYS: readonly ((sound: ReturnType<typeof answerTo>) => Answer)[] = [
  () => apiError(529, "overloaded_error", "Overloaded"),
  () => apiError(500, "api_error", "Internal server error"),
  () => apiError(429, "rate_limit_error", "slow down", { "retry-after": "1" }),
  () => apiError(408, "timeout_error", "timed out"),
  () => htmlError(502),
  (sound) => ({ ...sound, fault: { kind: "reset_before_head" } }),
  (sound) => ({
    ...sound,
    fault: { kind: "error_event", afterEvents: 1, type: "overloaded_error" },
  }),
  (sound) => ({ ...sound, fault: { kind: "early_end", afterEvents: 1 } }),
  (sound) => ({ ...sound, fault: { kind: "reset", afterEvents: 1 } }),
  (sound) => ({ ...sound, fault: { kind: "reset", afterEvents: CONTENT_SHOWN } }),
];

interface Sent {
  readonly session: string;
  readonly stream: boolean;
  readonly answer: RawAnswer | null;
}

describe(`a target that fails 30 % of its attempts in ten ways, seed ${SEED}`, () => {
  const upstreams: { flaky: Upstream; steady: Upstream }[] = [];
  let gateway: Gateway;
  let next = 0;
  let sent: readonly Sent[];
  let details: readonly RequestView[];
  const ways = new Set<number>();

  before(async () => {
    const attempts = new Map<string, number>();
    const flaky = await startUpstream((request) => {
      const session = sessionOf(request) ?? "";
      const attempt = (attempts.get(session) ?? 0) + 1;
      attempts.set(session, attempt);
      const way = wayOf(session, attempt);
      if (way === null) return answerTo(request);
      ways.add(way);
      return WAYS[way]?.(answerTo(request)) ?? answerTo(request);
    });
    const steady = await startUpstream(answerTo);
    upstreams.push({ flaky, steady });
    gateway = await startGateway({ config: configOf(flaky.url, steady.url), env: ENV });
    sent = await inParallel(WIDTH, () => {
      if (next === REQUESTS) return null;
      const session = `chaos-${SEED}-${next++}`;
      return ask(session, next % 2 === 0);
    });
    await settledRows(gateway);
    details = await detailsOf(gateway);
  });
  after(async () => {
    await gateway?.dispose();
    for (const { flaky, steady } of upstreams) await Promise.all([flaky.stop(), steady.stop()]);
  });

  async function ask(session: string, stream: boolean): Promise<Sent> {
    const key = secretOf(NAMES[next % NAMES.length] ?? "");
    const load = { key, session, stream, maxTokens: 1000, hangUpMs: null };
    return { session, stream, answer: await sendLoad(gateway.url, load) };
  }

  function linesOf(): Map<string, BillLine> {
    const lines = new Map<string, BillLine>();
    for (const { flaky, steady } of upstreams) {
      for (const line of flaky.bill.lines) lines.set(`flaky ${line.requestId}`, line);
      for (const line of steady.bill.lines) lines.set(`spare ${line.requestId}`, line);
    }
    return lines;
  }

  test("no client sees an error that the other target could have served", () => {
    assert.equal(sent.length, REQUESTS);
    const cut = sent.filter(({ answer }) => answer === null);
    const bad = sent.filter(({ answer }) => answer !== null && !isSound(answer));
    assert.deepEqual(
      bad.map(({ session, answer }) => `${session}: ${answer?.status} ${answer?.body.toString()}`),
      [],
    );
    assert.ok(
      cut.every(({ stream }) => stream),
      "only streams are cut",
    );
    // Each of them had shown content: its one attempt was cut, and stands alone.
    const broken = details.filter(({ outcome }) => outcome !== "ok");
    assert.equal(broken.length, cut.length);
    for (const { outcome, attempts } of broken) {
      assert.equal(outcome, "upstream_error");
      assert.equal(attempts.at(-1)?.upstream_status, 200);
    }
  });

  test("the run was one: several ways of failing were met, and both targets served", () => {
    assert.ok(ways.size >= WAYS_MET_MIN, `${ways.size} ways`);
    const servedBy = new Set(
      details.map(({ attempts }) => upstreamOf(attempts.at(-1)?.provider ?? "")),
    );
    assert.deepEqual(servedBy, new Set(["flaky", "spare"]));
  });

  test("extra attempts keep to their bound in any minute", () => {
    const starts = details.flatMap(({ attempts }) =>
      attempts.map(({ attempt, time }) => ({ isExtra: attempt > 1, atMs: Date.parse(time) })),
    );
    for (const { atMs: fromMs } of starts) {
      const inside = starts.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + MINUTE_MS);
      const extras = inside.filter(({ isExtra }) => isExtra).length;
      const requests = inside.length - extras;
      assert.ok(extras <= Math.max(EXTRAS_FREE, EXTRAS_SHARE * requests), `${extras}/${requests}`);
    }
  });

  test("every attempt costs what its upstream bills, to the nano-dollar", () => {
    const lines = linesOf();
    let [exact, estimated] = [0, 0];
    for (const { attempts } of details)
      for (const { provider, upstream_request_id: id, ...attempt } of attempts) {
        const line = id === null ? undefined : lines.get(`${upstreamOf(provider)} ${id}`);
        const billed = line === undefined ? 0n : lineNano(line);
        const cost = nanoOf(attempt.cost_usd);
        if (attempt.estimated) assert.ok(cost >= billed, `${cost} of ${billed}`);
        else assert.equal(cost, billed);
        if (attempt.estimated) estimated++;
        else exact++;
        assert.equal(nanoOf(attempt.held_usd), 0n);
      }
    assert.ok(exact >= REQUESTS / 2 && estimated > 0, `${exact} exact, ${estimated} estimated`);
  });

  test("nothing is billed that no attempt stands for, and nothing twice", async () => {
    const attempts = details.flatMap((request) => request.attempts);
    const ids = attempts.flatMap(({ provider, upstream_request_id: id }) =>
      id === null ? [] : [`${upstreamOf(provider)} ${id}`],
    );
    assert.equal(
      new Set(ids).size,
      ids.length,
      "each answer of an upstream belongs to one attempt",
    );
    const unnamed = attempts.filter(({ upstream_request_id: id }) => id === null);
    const known = new Set(ids);
    const strays = [...linesOf()].filter(([name]) => !known.has(name));
    // Those were cut before their head: an estimate stands for each.
    assert.ok(strays.length <= unnamed.filter(({ estimated }) => estimated).length);
    const settled = attempts.reduce((sum, { cost_usd: cost }) => sum + nanoOf(cost), 0n);
    const [budget] = await gateway.budgets();
    assert.equal(nanoOf(budget?.settled_usd ?? ""), settled);
    const billed = upstreams.reduce(
      (sum, { flaky, steady }) => sum + flaky.bill.totalNano + steady.bill.totalNano,
      0n,
    );
    assert.ok(settled >= billed, `${settled} of ${billed}`);
  });

  test("nothing is held at the end, and no answer is left open", async () => {
    for (const budget of await gateway.budgets()) assert.equal(nanoOf(budget.held_usd), 0n);
    await until("the upstreams are idle", () =>
      upstreams.every(({ flaky, steady }) => flaky.inFlight() + steady.inFlight() === 0),
    );
  });
});

/** The way in which an attempt of a session fails; null: it does not. */
function wayOf(session: string, attempt: number): number | null {
  const [first = 0, second = 0] = createHash("sha256").update(`${session} ${attempt}`).digest();
  return first / 256 < FAILING_SHARE ? second % WAYS.length : null;
}

function answerTo(request: ReceivedRequest) {
  const words = `To ${sessionOf(request) ?? "nobody"}: ${"well ".repeat(30)}`;
  return text(words, { input_tokens: 40, output_tokens: 60 });
}

function upstreamOf(provider: string): "flaky" | "spare" {
  return provider === "spare" ? "spare" : "flaky";
}

function isSound({ status, headers, body }: RawAnswer): boolean {
  if (status !== 200) return false;
  const isStream = String(headers["content-type"]).startsWith("text/event-stream");
  return body.includes(isStream ? "event: message_stop" : '"stop_reason":"end_turn"');
}

async function detailsOf(gateway: Gateway): Promise<readonly RequestView[]> {
  const ids = (await gateway.rows()).map(({ id }) => id);
  return inParallel(DETAILS_AT_ONCE, () => {
    const id = ids.pop();
    return id === undefined ? null : detailOf(gateway, id);
  });
}

async function detailOf(gateway: Gateway, id: string): Promise<RequestView> {
  return (await gateway.api(`/api/v1/requests/${id}`)) as RequestView;
}

function configOf(flakyUrl: string, steadyUrl: string): object {
  const at = (id: string, url: string) => ({
    id,
    kind: "anthropic",
    base_url: url,
    keys: [{ id: "main", secret: "env:UPSTREAM" }],
  });
  return {
    providers: [...NAMES.map((id) => at(id, flakyUrl)), at("spare", steadyUrl)],
    customers: [{ id: "acme", budgets: [{ usd: "1000", per: "total" }] }],
    teams: [{ id: "platform", customer: "acme" }],
    virtual_keys: NAMES.map((id) => ({
      id,
      team: "platform",
      secret: `env:CLIENT_${id.toUpperCase()}`,
      providers: [{ id }, { id: "spare" }],
    })),
  };
}
