/** What the books must say after a crash: every billed request once, every budget the sum of its rows. */
import assert from "node:assert/strict";
import { verifyDirectory } from "../../src/journal/verify.ts";
import { lineNano, nanoOf, usdText, type BillLine } from "../harness/bill.ts";
import type { BudgetRow, Gateway, RequestRow } from "../harness/gateway.ts";
import type { RawAnswer } from "../harness/raw-request.ts";
import type { Upstream } from "../harness/upstream.ts";

/** A request whose answer came whole: it must have a row. */
interface Answered {
  readonly id: string;
  readonly session: string;
}

interface Window {
  readonly start: string | null;
  readonly end: string | null;
}

type BudgetWindow = BudgetRow & { readonly window: Window };

/** What the control API says about everything that was spent. */
type ApiAnswers = Readonly<Record<string, unknown>>;

const GROUPINGS = ["virtual_key,model", "session", "team,task_type", "owner,provider"] as const;

/** What is asked of a gateway about its books. */
type Bookkeeper = Pick<Gateway, "url" | "dataDir" | "api" | "rows" | "budgets">;

export class Books {
  readonly #gateway: Bookkeeper;
  readonly #upstream: Upstream;
  /** Rows that were seen once, by id: they never change again, whatever is rebuilt. */
  #known = new Map<string, string>();
  #answered: Answered[] = [];
  /** Secrets of keys whose making was confirmed. */
  #secrets = new Map<string, string>();

  constructor(gateway: Bookkeeper, upstream: Upstream) {
    this.#gateway = gateway;
    this.#upstream = upstream;
  }

  noteSecret(id: string, secret: string): void {
    this.#secrets.set(id, secret);
  }

  /** A client has this answer whole; null: it has not. */
  noteAnswer(session: string, answer: RawAnswer | null): void {
    const id = answer?.headers["tollgate-request-id"];
    // A refusal is recorded after it is sent, and spends nothing.
    if (answer?.status !== 200 || typeof id !== "string") return;
    this.#answered.push({ id, session });
  }

  /** Remembers what is known now; the returned function forgets what came later. */
  keep(): () => void {
    const known = new Map(this.#known);
    const secrets = new Map(this.#secrets);
    const answered = [...this.#answered];
    const lines = this.#upstream.bill.lines.length;
    return () => {
      this.#known = new Map(known);
      this.#secrets = new Map(secrets);
      this.#answered = [...answered];
      this.#upstream.bill.lines.length = lines;
    };
  }

  /** The files alone, as `tollgate audit verify` reads them. */
  verify(when: string): void {
    const report = verifyDirectory(this.#gateway.dataDir);
    // Before the first line there may be no journal to verify.
    const isNothing = report.nodes.length === 0 && this.#known.size === 0;
    assert.ok(
      report.ok || isNothing,
      `${when}: ${JSON.stringify(report.nodes.map((node) => node.problems))}`,
    );
  }

  /** Checks all that a restarted gateway says; nothing may be in flight. */
  async check(when: string): Promise<void> {
    const rows = await this.#gateway.rows();
    const budgets = (await this.#gateway.budgets()) as BudgetWindow[];
    this.#checkKnown(rows, when);
    this.#checkBill(rows, when);
    for (const budget of budgets) checkBudget(budget, rows, when);
    for (const [id, secret] of this.#secrets) await this.#checkSecret(id, secret, when);
    this.verify(`${when}, after the start`);
  }

  /** Everything that the API derives from the journal. */
  async answers(): Promise<ApiAnswers> {
    const rows = await this.#gateway.rows();
    const usage = await Promise.all(
      GROUPINGS.map((by) => this.#gateway.api(`/api/v1/usage?group_by=${by}&interval=hour`)),
    );
    const details = await Promise.all(
      rows.slice(0, 25).map((row) => this.#gateway.api(`/api/v1/requests/${row.id}`)),
    );
    const keys = await this.#gateway.api("/api/v1/virtual-keys");
    const budgets = await this.#gateway.budgets();
    // A refused request may leave an empty window for its session, in memory alone.
    const counted = budgets.filter(
      ({ scope, settled_usd }) => scope.type !== "session" || settled_usd !== "0",
    );
    return { rows, usage, details, keys, budgets: counted };
  }

  #checkKnown(rows: readonly RequestRow[], when: string): void {
    const now = new Map(rows.map((row) => [row.id, JSON.stringify(row)]));
    assert.equal(now.size, rows.length, `${when}: a request has two rows`);
    for (const [id, row] of this.#known) assert.equal(now.get(id), row, `${when}: a row changed`);
    for (const { id } of this.#answered)
      assert.ok(now.has(id), `${when}: ${id} was answered, and has no row`);
    this.#known = now;
  }

  #checkBill(rows: readonly RequestRow[], when: string): void {
    const bySession = Map.groupBy(rows, (row) => row.session);
    const billed = new Set<string | null>();
    for (const line of this.#upstream.bill.lines) {
      billed.add(line.session);
      checkLine(line, bySession.get(line.session) ?? [], when);
    }
    for (const row of rows) {
      const isFree = row.estimated || row.cost_usd === "0" || billed.has(row.session);
      assert.ok(isFree, `${when}: nobody billed ${JSON.stringify(row)}`);
    }
  }

  async #checkSecret(id: string, secret: string, when: string): Promise<void> {
    const me = await fetch(`${this.#gateway.url}/me`, { headers: { "x-api-key": secret } });
    assert.equal(me.status, 200, `${when}: the key ${id}, made before, does not work`);
    await me.arrayBuffer();
  }
}

function checkLine(line: BillLine, rows: readonly RequestRow[], when: string): void {
  const billed = lineNano(line);
  const [row, ...more] = rows;
  assert.ok(row !== undefined, `${when}: no row for ${line.session}, billed ${billed}`);
  assert.equal(more.length, 0, `${when}: ${line.session} has ${more.length + 1} rows`);
  const cost = nanoOf(row.cost_usd);
  const agrees = row.estimated ? cost >= billed : cost === billed;
  assert.ok(agrees, `${when}: billed ${billed}, ${line.state}: ${JSON.stringify(row)}`);
  assert.equal(row["attempts"], 1, `${when}: ${line.session} has one attempt`);
}

function checkBudget(budget: BudgetWindow, rows: readonly RequestRow[], when: string): void {
  const { start, end } = budget.window;
  const spent = rows
    .filter((row) => isOf(budget, row))
    .filter(({ time }) => (start === null || String(time) >= start) && isBefore(String(time), end));
  const sum = usdText(spent.reduce((total, row) => total + nanoOf(row.cost_usd), 0n));
  const seen = { settled: budget.settled_usd, held: budget.held_usd };
  assert.deepEqual(seen, { settled: sum, held: "0" }, `${when}: ${JSON.stringify(budget)}`);
}

function isBefore(time: string, end: string | null): boolean {
  return end === null || time < end;
}

function isOf({ scope }: BudgetRow, row: RequestRow): boolean {
  switch (scope.type) {
    case "customer":
    case "team":
    case "owner":
    case "virtual_key":
    case "session":
      return row[scope.type] === scope.id;
    case "provider_config":
      return `${row.virtual_key}/${String(row["provider"])}` === scope.id;
    default:
      throw new Error(`a budget of an unknown scope: ${scope.type}`);
  }
}
