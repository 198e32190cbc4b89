/** Claude Code's traffic against daily caps, through the real gateway: never over one, and hardly felt. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { percentile } from "../../bench/statistics.ts";
import { lineNano, nanoOf, usdText } from "../harness/bill.ts";
import { settledRows, type BudgetRow, type RequestRow } from "../harness/gateway.ts";
import { foldBooks, journalOf, type JournalLine, type WindowSum } from "./workload-books.ts";
import { capNameOf, castOf, LEAST_USED } from "./workload-cast.ts";
import { startWorkloadDesk, type RefusedQuestion, type WorkloadDesk } from "./workload-desk.ts";
import { isSpent, leastNeed, mean, tableOf, usedPercent } from "./workload-figures.ts";

const SEED = Number(process.env["TOLLGATE_SEED"] ?? 2);
/** Days against each cap; a run by hand takes more. */
const DAYS = Number(process.env["TOLLGATE_WORKLOAD_DAYS"] ?? 1);
const ANSWERS = {
  budget_busy: { status: 429, errorType: "rate_limit_error" },
  request_exceeds_budget: { status: 429, errorType: "billing_error" },
  budget_exhausted: { status: 429, errorType: "billing_error" },
} as const;

describe(`days of Claude Code against daily caps, seed ${SEED}, ${DAYS} a cap`, () => {
  const cast = castOf(SEED, DAYS);
  /** What a refusal saw settled, by request and window. */
  const sights = new Map<string, ReadonlyMap<string, bigint>>();
  let desk: WorkloadDesk;
  let lines: JournalLine[];
  let rows: RequestRow[];
  let budgets: BudgetRow[];
  let windows: Map<string, WindowSum>;
  let workMs: number;

  before(async () => {
    desk = await startWorkloadDesk({ seed: SEED, ...cast });
    const startMs = performance.now();
    await desk.work();
    workMs = performance.now() - startMs;
    rows = await settledRows(desk.gateway);
    budgets = await desk.gateway.budgets();
    lines = await journalOf(desk.gateway.dataDir);
    const caps = new Map(budgets.map(({ id, limit_usd }) => [id, nanoOf(limit_usd)]));
    windows = foldBooks(lines, (line, sums) => {
      for (const key of line.windows ?? []) {
        const [sum, cap] = [sums.get(key), caps.get(key)];
        assert.ok(sum !== undefined && cap !== undefined, `no budget for ${key}`);
        assert.ok(sum.settled + sum.held <= cap, `line ${line.seq}: ${key} is over its cap`);
      }
      if (line.type !== "refuse") return;
      const settled = [...sums].map(([key, sum]) => [key, sum.settled] as const);
      sights.set(line.request ?? "", new Map(settled));
    });
  });
  after(() => desk?.dispose());

  test("no cap is exceeded by what is settled and held, after any line of the journal", () => {
    for (const { id, limit_usd, settled_usd, held_usd } of budgets) {
      const sum = windows.get(id);
      assert.ok(sum !== undefined && sum.peak <= nanoOf(limit_usd), id);
      assert.deepEqual([settled_usd, held_usd], [usdText(sum.settled), "0"], id);
    }
  });

  test("the books are the upstream's bill, line by line", () => {
    const billed = new Map(desk.upstream.bill.lines.map((line) => [line.requestId, line]));
    const cost = new Map(rows.map((row) => [row.id, nanoOf(row.cost_usd)]));
    for (const line of lines.filter(({ type }) => type === "settle")) {
      const id = line.upstream_request_id ?? "";
      const bill = billed.get(id);
      const charge = bill === undefined ? 0n : lineNano(bill);
      const booked = BigInt(line.cost ?? "");
      if (line.estimated === true) assert.ok(booked >= charge, `line ${line.seq}`);
      else assert.equal(booked, charge, `line ${line.seq}`);
      assert.equal(cost.get(line.request ?? ""), booked, `the row of line ${line.seq}`);
      billed.delete(id);
    }
    assert.deepEqual([...billed.values()], [], "every line of the bill is booked");
  });

  test("no charge was above its hold, and the books never contradicted themselves", async () => {
    assert.deepEqual(
      lines.filter(({ type }) => type === "overrun"),
      [],
    );
    const { adminUrl, adminToken } = desk.gateway;
    const headers = { authorization: `Bearer ${adminToken}` };
    const metrics = await (await fetch(`${adminUrl}/metrics`, { headers })).text();
    const breaches = metrics.match(/^tollgate_(invariant_breaches|hold_overruns)_total.*$/gm) ?? [];
    assert.deepEqual(
      breaches.filter((line) => !line.endsWith(" 0")),
      [],
    );
  });

  test("who was refused had to be, and was told why", () => {
    const codes = new Map(rows.map((row) => [row.id, row.refusal]));
    for (const refused of desk.refused) {
      const { requestId, code, status, errorType } = refused;
      assert.equal(codes.get(requestId), code);
      assert.deepEqual({ status, errorType }, ANSWERS[code]);
      // A continuation is not cut shorter than the answer that it continues, so it needs more.
      if (!refused.question.isContinuation) assertNeeded(refused);
    }
  });

  /** Its windows had no room for it even with its input counted and the shortest answer. */
  function assertNeeded(refused: RefusedQuestion): void {
    const { requestId, code, question } = refused;
    const settled = sights.get(requestId) ?? new Map<string, bigint>();
    const own = ownBudgets(question.session.split("/")[0] ?? "");
    const isShort = own.some(({ id, limit_usd }) => {
      const [cap, spent] = [nanoOf(limit_usd), settled.get(id) ?? 0n];
      if (code === "budget_exhausted") return isSpent(spent, cap);
      return code === "budget_busy" || spent + leastNeed(refused) > cap;
    });
    assert.ok(isShort, `${requestId}: ${code} with ${JSON.stringify(own)}`);
  }

  function ownBudgets(key: string): BudgetRow[] {
    const team = cast.members.find((member) => member.key === key)?.team;
    return budgets.filter(({ scope }) => scope.id === key || scope.id === team);
  }

  // People go on until 95 % are spent or a fresh context no longer fits: that leaves less than it needs.
  test("every cap is used as far as a fresh context fits", () => {
    for (const budget of budgets) {
      const fresh = desk.refused.filter(
        ({ code, question }) =>
          code === "request_exceeds_budget" &&
          question.isFresh &&
          ownBudgets(question.session.split("/")[0] ?? "").includes(budget),
      );
      const left = nanoOf(budget.remaining_usd);
      const isUsed = isSpent(nanoOf(budget.settled_usd), nanoOf(budget.limit_usd));
      const leastFresh = fresh.map(leastNeed).toSorted((a, b) => (a < b ? -1 : 1))[0] ?? 0n;
      assert.ok(isUsed || left < leastFresh, `${budget.id}: ${budget.remaining_usd} left`);
    }
    for (const [name, least] of Object.entries(LEAST_USED)) {
      const own = budgets.filter(({ scope }) => capNameOf(scope.id) === name);
      const used = mean(own.map(usedPercent));
      assert.ok(used >= least, `${name}: ${used} %`);
    }
  });

  test("the traffic was that of Claude Code", (t) => {
    const { bodyBytes, mostInFlight, upstream } = desk;
    const kilobytes = (share: number) => Math.round(percentile(bodyBytes, share) / 1000);
    const peaks = [...mostInFlight.values()];
    const counts = upstream.requests.filter(({ url }) => url.includes("count_tokens"));
    for (const line of tableOf({ lines, budgets, counts, sights })) t.diagnostic(line);
    t.diagnostic(
      `${bodyBytes.length} requests in ${(workMs / 1000).toFixed(1)} s; body kB p50/p90/p99 ` +
        `${kilobytes(0.5)}/${kilobytes(0.9)}/${kilobytes(0.99)}; ` +
        `in flight at most ${peaks.join(", ")}; ${usdText(upstream.bill.totalNano)} dollars billed`,
    );
    assert.ok(kilobytes(0.9) >= 200, `${kilobytes(0.9)} kB`);
    assert.ok(Math.min(...peaks) >= 2 && Math.max(...peaks) <= 10, peaks.join(", "));
    const history = lines.filter(({ usage }) => (usage?.["cache_read_input_tokens"] ?? 0) > 0);
    assert.ok(history.length > bodyBytes.length / 2);
  });
});
