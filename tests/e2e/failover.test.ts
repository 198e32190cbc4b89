/** Fail-over before the first content: who serves, what each attempt costs, and what is never repeated. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { lineNano, nanoOf } from "../harness/bill.ts";
import { until } from "../harness/gateway.ts";
import { freePorts } from "../harness/ports.ts";
import {
  apiError,
  htmlError,
  text,
  type Answer,
  type Fault,
  type HttpAnswer,
  type MessageAnswer,
} from "../harness/scripts.ts";
import {
  assertBooked,
  startFailOverDesk,
  type AttemptView,
  type FailOverDesk,
} from "./failover-desk.ts";

const LONG = "x".repeat(480);

/** One way to fail before the content, and what its attempt settles as. */
interface Case {
  readonly id: string;
  readonly answer: Answer;
  /** `any`: the connection may break before its head has left. */
  readonly status: number | null | "any";
  readonly costs: "free" | "estimated";
}

function broken(fault: Fault): MessageAnswer {
  return { ...text(LONG, { output_tokens: 100 }), fault };
}

function document(body: string, type = "application/json"): HttpAnswer {
  return { kind: "http", status: 200, headers: { "content-type": type }, body };
}

/** Promises more than it sends, and leaves the connection open. */
function shortBody(): HttpAnswer {
  const body = JSON.stringify({ type: "message", content: [] });
  const headers = { "content-type": "application/json", "content-length": "1000" };
  return { kind: "http", status: 200, headers, body };
}

const OVERLOADED = JSON.stringify({
  type: "error",
  error: { type: "overloaded_error", message: "Overloaded" },
});

const STATUSES: readonly Case[] = [
  [408, "timeout_error", "estimated"],
  [409, "conflict_error", "free"],
  [424, "api_error", "free"],
  [429, "rate_limit_error", "free"],
  [500, "api_error", "free"],
  [503, "api_error", "free"],
  [529, "overloaded_error", "free"],
].map(([status, type, costs]) => ({
  id: `status${status}`,
  answer: apiError(Number(status), String(type), "not now"),
  status: Number(status),
  costs: costs as Case["costs"],
}));

const FOR_BOTH: readonly Case[] = [
  ...STATUSES,
  { id: "html", answer: htmlError(502), status: 502, costs: "estimated" },
  { id: "reset", answer: broken({ kind: "reset_before_head" }), status: null, costs: "estimated" },
  { id: "silent", answer: broken({ kind: "no_head" }), status: null, costs: "estimated" },
];

const STREAMED: readonly Case[] = [
  ...FOR_BOTH,
  {
    id: "errorfirst",
    answer: broken({ kind: "error_event", afterEvents: 0, type: "overloaded_error" }),
    status: 200,
    costs: "estimated",
  },
  {
    id: "errorsecond",
    answer: broken({ kind: "error_event", afterEvents: 1, type: "api_error" }),
    status: 200,
    costs: "estimated",
  },
  {
    id: "empty",
    answer: broken({ kind: "early_end", afterEvents: 0 }),
    status: 200,
    costs: "estimated",
  },
  {
    id: "nocontent",
    answer: broken({ kind: "early_end", afterEvents: 1 }),
    status: 200,
    costs: "estimated",
  },
  {
    id: "cutearly",
    answer: broken({ kind: "reset", afterEvents: 1 }),
    status: 200,
    costs: "estimated",
  },
];

const WHOLE: readonly Case[] = [
  ...FOR_BOTH,
  { id: "errorbody", answer: document(OVERLOADED), status: 200, costs: "estimated" },
  {
    id: "page",
    answer: document("<html>hello</html>", "text/html"),
    status: 200,
    costs: "estimated",
  },
  {
    id: "cut",
    answer: { ...broken({ kind: "short_body" }), delivery: { chunks: 100 } },
    status: "any",
    costs: "estimated",
  },
  { id: "short", answer: shortBody(), status: 200, costs: "estimated" },
];

const FORMS = ["streamed", "whole"] as const;

/** The tests of one gateway: they compare its books before and after. */
const IN_TURN = { concurrency: 1 };

// Each part has a gateway of its own.
describe("fail-over", { concurrency: 2 }, () => {
  for (const [form, cases] of [
    ["streamed", STREAMED],
    ["whole", WHOLE],
  ] as const) {
    const stream = form === "streamed";

    describe(`a failure before the content, ${form}`, IN_TURN, () => {
      let desk: FailOverDesk;
      let booked = 0n;
      before(async () => {
        const [closedPort] = await freePorts(1);
        desk = await startFailOverDesk({
          providers: [
            ...cases.map(({ id }) => ({ id })),
            { id: "refused", url: `http://127.0.0.1:${closedPort}` },
          ],
          keys: Object.fromEntries(
            [...cases.map(({ id }) => id), "refused"].map((id) => [id, { uses: [id, "spare"] }]),
          ),
          timeouts: { first_byte: "3s", idle: "2s" },
        });
        for (const { id, answer } of cases) desk.answers.set(id, answer);
      });
      after(() => desk?.dispose());

      describe(
        "the second provider serves, and each attempt is settled",
        { concurrency: true },
        () => {
          for (const { id, status, costs } of cases) {
            test(id, async () => {
              const answer = await desk.ask(id, { stream });
              assert.equal(answer.status, 200);
              assert.match(answer.body.toString("utf8"), /from the spare/);
              assert.ok(!answer.body.includes("xxx"), "nothing of the failed attempt is shown");
              assert.equal(answer.headers["tollgate-served-by"], "spare/claude-opus-5-5");
              const row = await desk.detailOf(answer);
              assert.deepEqual([row.outcome, row.status, row.provider], ["ok", 200, "spare"]);
              booked += assertBooked(row);
              const [failed, served] = row.attempts;
              assert.ok(failed !== undefined && served !== undefined);
              assert.equal(row.attempts.length, 2);
              const seen = [failed.provider, failed.state, failed.estimated];
              assert.deepEqual(seen, [id, "settled", costs === "estimated"]);
              if (status !== "any") assert.equal(failed.upstream_status, status);
              assert.equal(nanoOf(failed.cost_usd) > 0n, costs === "estimated", failed.cost_usd);
              assert.deepEqual([served.provider, served.state], ["spare", "settled"]);
              assertBilled(desk, served);
            });
          }
        },
      );

      test("the books hold what the attempts cost, and no less than the bills", async () => {
        const settled = await desk.settledNano();
        assert.equal(settled, booked);
        assert.ok(settled >= desk.billedNano(), `${settled} of ${desk.billedNano()}`);
      });

      test("refused: an attempt that reached nobody holds and costs nothing", async () => {
        const before = await desk.settledNano();
        const answer = await desk.ask("refused", { stream });
        assert.equal(answer.status, 200);
        const { attempts, outcome } = await desk.detailOf(answer);
        assert.equal(outcome, "ok");
        assert.deepEqual(
          attempts.map(({ provider, state, reason }) => [provider, state, reason]),
          [
            ["refused", "cancelled", "refused"],
            ["spare", "settled", null],
          ],
        );
        const served = attempts[1];
        assert.ok(served !== undefined);
        assertBilled(desk, served);
        assert.equal((await desk.settledNano()) - before, nanoOf(served.cost_usd));
      });
    });
  }

  describe("after the first content", IN_TURN, () => {
    const cuts: readonly Fault[] = [
      { kind: "reset", afterEvents: 4 },
      { kind: "half_frame", afterEvents: 4 },
      { kind: "early_end", afterEvents: 4 },
      { kind: "error_event", afterEvents: 4, type: "overloaded_error" },
      { kind: "stall", afterEvents: 4 },
    ];
    let desk: FailOverDesk;
    before(async () => {
      desk = await startFailOverDesk({
        providers: cuts.map(({ kind }) => ({ id: kind })),
        keys: Object.fromEntries(cuts.map(({ kind }) => [kind, { uses: [kind, "spare"] }])),
        timeouts: { first_byte: "1s", idle: "1s" },
      });
    });
    after(() => desk?.dispose());

    for (const fault of cuts) {
      test(`${fault.kind}: the client sees it, nothing is asked again`, async () => {
        desk.answers.set(fault.kind, broken(fault));
        const before = { settled: await desk.settledNano(), billed: desk.billedNano() };
        const asked = await desk
          .ask(fault.kind, { stream: true })
          .catch((error: unknown) => String(error));
        if (typeof asked !== "string")
          assert.doesNotMatch(asked.body.toString("utf8"), /message_stop/);
        const row = await desk.newestOf(fault.kind);
        assert.deepEqual([row.outcome, row.attempts.length], ["upstream_error", 1]);
        assert.equal(desk.asked(fault.kind), 1);
        assert.equal(desk.honest.messages().length, 0);
        const settled = (await desk.settledNano()) - before.settled;
        assert.equal(settled, assertBooked(row));
        assert.ok(row.estimated && settled >= desk.billedNano() - before.billed);
      });
    }
  });

  describe("a provider that is alone", IN_TURN, () => {
    let desk: FailOverDesk;
    before(async () => {
      const ids = ["passing", "lasting", "wishing", "mute", "leaving", "limited"];
      desk = await startFailOverDesk({
        providers: ids.map((id) => ({ id })),
        keys: Object.fromEntries(
          ids.map((id) => [
            id,
            {
              uses: [id],
              fields: id === "limited" ? { rate_limits: [{ requests: 2, per: "day" }] } : {},
            },
          ]),
        ),
      });
    });
    after(() => desk?.dispose());

    test("is asked again after a pause", async () => {
      desk.answers.set("passing", apiError(529, "overloaded_error", "Overloaded"));
      const asking = desk.ask("passing", { stream: true });
      await untilAsked(desk, "passing");
      desk.answers.delete("passing");
      const answer = await asking;
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["tollgate-served-by"], undefined);
      const { attempts } = await desk.detailOf(answer);
      assert.equal(attempts.length, 2);
      const [first, second] = attempts.map(({ time }) => Date.parse(time));
      assert.ok((second ?? 0) - (first ?? 0) >= 100, "at least half of 250 ms lie between them");
    });

    test("its last answer is relayed as it is, when it keeps failing", async () => {
      const error = apiError(529, "overloaded_error", "Überlastet", { "retry-after": "1" });
      desk.answers.set("lasting", { ...error, headers: { "content-type": "application/json" } });
      const answer = await desk.ask("lasting");
      assert.equal(answer.status, 529);
      assert.equal(answer.body.toString("utf8"), error.body);
      assert.equal(desk.asked("lasting"), 3);
      const row = await desk.detailOf(answer);
      assert.deepEqual([row.outcome, row.status, row.attempts.length], ["upstream_error", 529, 3]);
      assert.equal(row.cost_usd, "0");
    });

    test("is asked again after a 429 that does not say when", async () => {
      desk.answers.set("mute", apiError(429, "rate_limit_error", "slow"));
      const asking = desk.ask("mute");
      await untilAsked(desk, "mute");
      desk.answers.delete("mute");
      assert.equal((await asking).status, 200);
      assert.equal(desk.asked("mute"), 2);
    });

    test("is not asked earlier than it says", async () => {
      desk.answers.set(
        "wishing",
        apiError(429, "rate_limit_error", "slow", { "retry-after": "1" }),
      );
      const asking = desk.ask("wishing");
      await untilAsked(desk, "wishing");
      desk.answers.delete("wishing");
      const answer = await asking;
      assert.equal(answer.status, 200);
      const [first, second] = (await desk.detailOf(answer)).attempts.map(({ time }) =>
        Date.parse(time),
      );
      assert.ok((second ?? 0) - (first ?? 0) >= 1000);
    });

    test("a limit of requests counts a request once, however many attempts it takes", async () => {
      desk.answers.set("limited", apiError(529, "overloaded_error", "Overloaded"));
      assert.equal((await desk.ask("limited")).status, 529);
      assert.equal(desk.asked("limited"), 3);
      desk.answers.delete("limited");
      assert.equal((await desk.ask("limited")).status, 200);
      const refused = await desk.ask("limited");
      assert.equal(refused.status, 429);
      assert.equal((await desk.detailOf(refused)).refusal, "rate_limited");
    });

    test("a client that hangs up during the pause leaves a row", async () => {
      const wish = apiError(429, "rate_limit_error", "slow", { "retry-after": "10" });
      desk.answers.set("leaving", wish);
      const client = new AbortController();
      const asking = desk.ask("leaving", { signal: client.signal }).catch(() => null);
      await untilAsked(desk, "leaving");
      setTimeout(() => client.abort(), 100);
      await asking;
      const row = await desk.newestOf("leaving");
      assert.deepEqual([row.outcome, row.status], ["client_closed", null]);
      assert.deepEqual([row.attempts.length, row.cost_usd], [1, "0"]);
      assert.equal(desk.asked("leaving"), 1);
    });
  });

  describe("when everything fails", IN_TURN, () => {
    let desk: FailOverDesk;
    before(async () => {
      desk = await startFailOverDesk({
        providers: FORMS.flatMap((form) =>
          ["one", "two", "three"].map((id) => ({ id: id + form })),
        ),
        keys: Object.fromEntries(
          FORMS.map((form) => [form, { uses: ["one", "two", "three"].map((id) => id + form) }]),
        ),
      });
    });
    after(() => desk?.dispose());

    for (const form of FORMS) {
      test(`the client gets the most useful error, ${form}`, async () => {
        const useful = apiError(429, "rate_limit_error", "come back", { "retry-after": "77" });
        desk.answers.set(`one${form}`, htmlError(500));
        desk.answers.set(`two${form}`, useful);
        desk.answers.set(
          `three${form}`,
          apiError(401, "authentication_error", "invalid x-api-key"),
        );
        const answer = await desk.ask(form, { stream: form === "streamed" });
        assert.equal(answer.status, 429);
        assert.equal(answer.body.toString("utf8"), useful.body);
        assert.equal(answer.headers["retry-after"], "77");
        const row = await desk.detailOf(answer);
        assert.deepEqual([row.outcome, row.status], ["upstream_error", 429]);
        assertBooked(row);
      });
    }
  });
});

/** The attempt costs exactly what the spare one's bill says. */
function assertBilled(desk: FailOverDesk, attempt: AttemptView): void {
  const { upstream_request_id: id, cost_usd: cost, estimated } = attempt;
  const line = desk.honest.bill.lines.find(({ requestId }) => requestId === id);
  assert.ok(line !== undefined && !estimated);
  assert.equal(nanoOf(cost), lineNano(line));
}

async function untilAsked(desk: FailOverDesk, provider: string): Promise<void> {
  await until(`${provider} is asked`, () => desk.asked(provider) > 0);
}
