/** A thousand requests against tight caps at every level: the upstream's bill never exceeds one of them. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { lineNano, nanoOf, usdText, type BillLine } from "../harness/bill.ts";
import {
  settledRows,
  startGateway,
  type BudgetRow,
  type Gateway,
  type RequestRow,
} from "../harness/gateway.ts";
import { SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { integer, randomAnswer, randomOf } from "../harness/scripts-random.ts";
import type { RawAnswer } from "../harness/raw-request.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { inParallel, sendLoad, type LoadRequest } from "./load.ts";

const SEED = Number(process.env["TOLLGATE_SEED"] ?? Date.now() % 1_000_000);
const REQUESTS = 1000;
const AT_ONCE = 200;
const MAX_TOKENS = 300;
const TRIES = 40;
const RETRY_MS = 30;
const KEYS = ["a1", "a2", "a3", "b1", "b2", "b3"];
const SESSIONS_A_KEY = 4;

/** Demand is about $4. Every level has a cap that binds somewhere. */
const CAPS = {
  customer: "1.6",
  team: { a: "0.6", b: "1.3" },
  owner: { a1: "0.25", b1: "0.38" },
  key: { a2: "0.2", b2: "0.4" },
  providerConfig: { a3: "0.2", b3: "0.4" },
  session: { b1: "0.14", b2: "0.07" },
} as const;

describe(`a thousand requests, two hundred at once, seed ${SEED}`, () => {
  let upstream: Upstream;
  let gateway: Gateway;
  let rows: RequestRow[];
  let budgets: BudgetRow[];
  /** Ids of the requests that were answered; a client that hangs up early may never have asked. */
  let answered: string[];

  before(async () => {
    const random = randomOf(SEED);
    upstream = await startUpstream((request) =>
      randomAnswer(random, { inputTokens: 2000, faults: 0.08 }, request),
    );
    const secrets = Object.fromEntries(
      KEYS.map((key) => [`KEY_${key.toUpperCase()}`, secretOf(key)]),
    );
    gateway = await startGateway({
      config: configOf(upstream.url),
      env: { ...SMALL_ENV, ...secrets },
    });
    let left = REQUESTS;
    const answers = await inParallel(AT_ONCE, () =>
      left-- > 0 ? insist(gateway.url, randomLoad(random)) : null,
    );
    answered = answers.flat().flatMap((answer) => answer?.headers["tollgate-request-id"] ?? []);
    rows = await settledRows(gateway);
    budgets = await gateway.budgets();
  });
  after(async () => {
    await gateway?.dispose();
    await upstream?.stop();
  });

  test("the upstream's bill is within every cap", () => {
    for (const budget of budgets) {
      const billed = sum(
        upstream.bill.lines.filter((line) => covers(budget, line.session ?? "")).map(charge),
      );
      assert.ok(billed <= nanoOf(budget.limit_usd), `${nameOf(budget)}: billed ${usdText(billed)}`);
    }
  });

  test("so is what the books say, and nothing is held", () => {
    for (const budget of budgets) {
      const [cap, settled] = [nanoOf(budget.limit_usd), nanoOf(budget.settled_usd)];
      assert.ok(settled <= cap, `${nameOf(budget)}: ${budget.settled_usd}`);
      assert.equal(nanoOf(budget.remaining_usd), cap - settled, nameOf(budget));
    }
  });

  test("every level has refused something, and the caps were used", () => {
    const used = (type: string): boolean =>
      budgets.some(
        ({ scope, limit_usd, settled_usd }) =>
          scope.type === type && nanoOf(settled_usd) * 10n > nanoOf(limit_usd) * 8n,
      );
    for (const type of ["customer", "team", "owner", "virtual_key", "provider_config", "session"]) {
      assert.ok(used(type), `no ${type} budget is used to more than 80 %`);
    }
    assert.ok(rows.some((row) => row.refusal !== null));
  });

  test("each budget has settled what its rows cost", () => {
    for (const budget of budgets) {
      const covered = rows.filter(
        (row) => row.virtual_key !== null && covers(budget, row.session ?? ""),
      );
      const cost = sum(covered.map((row) => nanoOf(row.cost_usd)));
      assert.equal(usdText(cost), budget.settled_usd, nameOf(budget));
    }
  });

  test("exact rows are the bill's lines, estimated ones are not below them", () => {
    assert.ok(answered.length > REQUESTS * 0.9);
    const ids = new Set(rows.map((row) => row.id));
    assert.equal(ids.size, rows.length);
    assert.deepEqual(
      answered.filter((id) => !ids.has(id)),
      [],
    );
    const exact = rows.filter((row) => !row.estimated && nanoOf(row.cost_usd) > 0n);
    const left = upstream.bill.lines.map((line) => `${line.session} ${charge(line)}`).toSorted();
    for (const row of exact) {
      const at = left.indexOf(`${row.session} ${nanoOf(row.cost_usd)}`);
      assert.ok(at >= 0, `no line for row ${JSON.stringify(row)}`);
      left.splice(at, 1);
    }
    const estimated = rows.filter((row) => row.estimated);
    assert.ok(
      left.length <= estimated.length,
      `${left.length} lines left, ${estimated.length} estimated rows`,
    );
    const billed = sum(left.map((line) => BigInt(line.split(" ")[1] ?? "0")));
    assert.ok(sum(estimated.map((row) => nanoOf(row.cost_usd))) >= billed);
  });

  test("the journal verifies", async () => {
    const verified = await gateway.cli("audit", "verify", gateway.dataDir);
    assert.equal(verified.code, 0, verified.output);
  });
});

/** True where a request of that session spends from the budget. Sessions are named `key.number`. */
function covers({ scope }: BudgetRow, session: string): boolean {
  const [key = ""] = session.split(".");
  switch (scope.type) {
    case "customer":
      return true;
    case "team":
      return scope.id === key[0];
    case "owner":
    case "virtual_key":
      return scope.id === key;
    case "provider_config":
      return scope.id === `${key}/anthropic`;
    default:
      return scope.id === session || scope.id === `${key}/${session}`;
  }
}

/** Sends a request again while only other requests' holds keep it out, as a patient client does. */
async function insist(origin: string, load: LoadRequest): Promise<(RawAnswer | null)[]> {
  const answers = [await sendLoad(origin, load)];
  while (answers.length < TRIES && answers.at(-1)?.body.includes("rate_limit_error")) {
    await delay(RETRY_MS);
    answers.push(await sendLoad(origin, load));
  }
  return answers;
}

function randomLoad(random: () => number): LoadRequest {
  const key = KEYS[integer(random, 0, KEYS.length - 1)] ?? "a1";
  return {
    key: secretOf(key),
    session: `${key}.${integer(random, 1, SESSIONS_A_KEY)}`,
    stream: random() < 0.7,
    maxTokens: integer(random, MAX_TOKENS / 2, MAX_TOKENS),
    hangUpMs: random() < 0.04 ? integer(random, 1, 60) : null,
  };
}

function configOf(upstreamUrl: string): object {
  const total = (usd: string | undefined): object[] =>
    usd === undefined ? [] : [{ usd, per: "total" }];
  const session = (usd: string | undefined): object[] =>
    usd === undefined ? [] : [{ usd, per: "session" }];
  const of = (caps: Readonly<Record<string, string>>, id: string): string | undefined => caps[id];
  return {
    ...smallConfig(upstreamUrl, { server: { budget_wait_seconds: 1 } }),
    customers: [{ id: "acme", budgets: total(CAPS.customer) }],
    teams: ["a", "b"].map((id) => ({ id, customer: "acme", budgets: total(of(CAPS.team, id)) })),
    owners: KEYS.map((id) => ({ id, team: id[0], budgets: total(of(CAPS.owner, id)) })),
    virtual_keys: KEYS.map((id) => ({
      id,
      team: id[0],
      owner: id,
      secret: `env:KEY_${id.toUpperCase()}`,
      budgets: [...total(of(CAPS.key, id)), ...session(of(CAPS.session, id))],
      providers: [{ id: "anthropic", budgets: total(of(CAPS.providerConfig, id)) }],
    })),
  };
}

function secretOf(key: string): string {
  return `vk_${key}_0123456789abcdefghij`;
}

function nameOf({ scope, per, limit_usd }: BudgetRow): string {
  return `${scope.type} ${scope.id} ${limit_usd} per ${per}`;
}

function charge(line: BillLine): bigint {
  return lineNano(line);
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
