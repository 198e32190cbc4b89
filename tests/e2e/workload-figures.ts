/** What a workload felt of its caps, by the journal: use, cuts, counts, waits, refusals. */
import { percentile } from "../../bench/statistics.ts";
import { lineNano, nanoOf, type BillLine } from "../harness/bill.ts";
import type { BudgetRow } from "../harness/gateway.ts";
import type { ReceivedRequest } from "../harness/upstream-request.ts";
import type { JournalLine } from "./workload-books.ts";
import { capNameOf, LEAST_USED } from "./workload-cast.ts";
import type { RefusedQuestion } from "./workload-desk.ts";

/** What a request's refusal saw settled, by window. */
export type Sights = ReadonlyMap<string, ReadonlyMap<string, bigint>>;

export interface Evidence {
  readonly lines: readonly JournalLine[];
  readonly budgets: readonly BudgetRow[];
  readonly counts: readonly ReceivedRequest[];
  readonly sights: Sights;
}

/** No answer is clamped below it. */
const LEAST_ANSWER_TOKENS = 2_000;
const COUNT_MARGIN_TOKENS = 1_024;
const SPENT_PERCENT = 95n;
/** A count alone takes less. */
const WAIT_MS = 100;

/** Above this share of its cap, a window is called exhausted. */
export function isSpent(settled: bigint, cap: bigint): boolean {
  return settled * 100n > cap * SPENT_PERCENT;
}

/** Settled share of a budget's cap, in percent. */
export function usedPercent({ settled_usd, limit_usd }: BudgetRow): number {
  return Number((nanoOf(settled_usd) * 1_000_000n) / nanoOf(limit_usd)) / 10_000;
}

/** The hold of a refused request for the shortest answer, had its input been counted, in nano-dollars. */
export function leastNeed({ model, question: { body } }: RefusedQuestion): bigint {
  const counted = Math.ceil(body.length / 4);
  const tokens = counted + Math.max(COUNT_MARGIN_TOKENS, Math.ceil(counted * 0.02));
  const line: BillLine = {
    requestId: "",
    model,
    bodySha256: "",
    session: null,
    usage: {
      input_tokens: 0,
      cache_creation_input_tokens: tokens,
      output_tokens: LEAST_ANSWER_TOKENS,
    },
    state: "open",
  };
  return lineNano(line) + 1n;
}

/** One line of text for each cap. */
export function tableOf(evidence: Evidence): string[] {
  const head = ["cap", "days", "used %", "least", "cut %", "counted %", "waited %", "p50/p99 ms"];
  const names = Object.keys(LEAST_USED);
  const table = [[...head, "refused early %"], ...names.map((name) => rowOf(name, evidence))];
  return table.map((cells) => cells.map((cell) => cell.padStart(11)).join(" "));
}

function rowOf(name: string, { lines, budgets, counts, sights }: Evidence): string[] {
  const own = budgets.filter(({ scope }) => capNameOf(scope.id) === name);
  const used = own.map(usedPercent);
  const mine = new Set<string>();
  const of = (type: string) =>
    lines.filter((line) => line.type === type && mine.has(line.request ?? ""));
  for (const { request, virtual_key } of lines) {
    if (request !== undefined && capNameOf(virtual_key ?? "") === name) mine.add(request);
  }
  const [admits, refusals] = [of("admit"), of("refuse")];
  const asked = admits.length + refusals.length;
  const clamps = new Map(admits.map((line) => [line.request, line.clamped_max_tokens ?? null]));
  const cut = of("settle").filter(
    ({ request, usage }) => usage?.["output_tokens"] === clamps.get(request),
  );
  const waits = admits.flatMap(({ waited_ms: ms = 0 }) => (ms > WAIT_MS ? [ms] : []));
  const early = refusals.filter(({ request }) => {
    const settled = sights.get(request ?? "");
    return !own.some(({ id, limit_usd }) => isSpent(settled?.get(id) ?? 0n, nanoOf(limit_usd)));
  });
  const share = (part: number) => ((100 * part) / asked).toFixed(2);
  const counted = counts.filter(({ headers }) => {
    const session = headers["x-claude-code-session-id"];
    return capNameOf(String(session)) === name;
  });
  return [
    name,
    String(own.length),
    mean(used).toFixed(2),
    Math.min(...used).toFixed(2),
    share(cut.length),
    share(counted.length),
    share(waits.length),
    waits.length === 0 ? "-" : `${percentile(waits, 0.5)}/${percentile(waits, 0.99)}`,
    share(early.length),
  ];
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
