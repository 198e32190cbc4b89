/** Three hundred turns of growing sessions at once against caps that bind, with every rung at work. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { lineNano, nanoOf, usdText } from "../harness/bill.ts";
import { settledRows, type BudgetRow, type RequestRow } from "../harness/gateway.ts";
import { apiError, text, type Answer } from "../harness/scripts.ts";
import { integer, randomOf } from "../harness/scripts-random.ts";
import type { ReceivedRequest } from "../harness/upstream-request.ts";
import { startLadderDesk, type LadderDesk, type Line } from "./ladder-desk.ts";
import { inParallel } from "./load.ts";
import { Transcript } from "./transcript.ts";

const SEED = Number(process.env["TOLLGATE_SEED"] ?? Date.now() % 1_000_000);
const TURNS = 300;
const MORE_TURNS = 600;
const AT_ONCE = 30;
const FIRST_TURNS = 12;
const FAULTS = 0.06;
/** Each key has a cap of its own, and one for each of its sessions. */
const KEYS = { a: { usd: "1.1", session: "0.4" }, b: { usd: "0.7", session: "0.35" } } as const;
const SESSIONS_A_KEY = 15;
/** The upstream's count is a quarter of the bytes: never below what this makes of them. */
const TOKENIZER = {
  fixedTokens: 400,
  appetite: 0.06,
  hiddenTokensMax: 300,
  signatureBytesPerToken: 1,
  markers: 1,
};

type Key = keyof typeof KEYS;

interface Session {
  readonly key: Key;
  readonly name: string;
  readonly transcript: Transcript;
  busy: boolean;
}

describe(`three hundred turns, thirty at once, seed ${SEED}`, () => {
  const random = randomOf(SEED);
  const sessions = (["a", "b"] as const).flatMap((key) =>
    Array.from({ length: SESSIONS_A_KEY }, (_, index) => newSession(key, index)),
  );
  let desk: LadderDesk;
  let rows: RequestRow[];
  let lines: Line[];
  let budgets: BudgetRow[];

  function newSession(key: Key, index: number): Session {
    const transcript = new Transcript(randomOf(SEED + index), TOKENIZER);
    for (let turn = integer(random, 0, FIRST_TURNS); turn > 0; turn--) transcript.goOn();
    return { key, name: `${key}.${index}`, transcript, busy: false };
  }

  /** What the provider bills: the session's own input, and an answer within `max_tokens`. */
  function answerTo(request: ReceivedRequest): Answer {
    const name = String(request.headers["x-claude-code-session-id"]);
    const session = sessions.find((each) => each.name === name);
    assert.ok(session !== undefined);
    if (random() < FAULTS) return apiError(529, "overloaded_error", "Overloaded");
    const inputTokens = session.transcript.inputTokens();
    const written = integer(random, 0, inputTokens);
    const most = request.json().max_tokens ?? 0;
    const { outputTokens } = session.transcript.goOn();
    const isCut = outputTokens > most;
    return {
      ...text("word ".repeat(integer(random, 1, 30)), {
        input_tokens: 0,
        cache_creation_input_tokens: written,
        cache_read_input_tokens: inputTokens - written,
        output_tokens: Math.min(outputTokens, most),
      }),
      ...(isCut ? { stopReason: "max_tokens" } : {}),
      delivery: { headDelayMs: integer(random, 0, 20), eventDelayMs: integer(random, 0, 6) },
      ...(random() < FAULTS ? { fault: { kind: "reset" as const, afterEvents: 3 } } : {}),
    };
  }

  before(async () => {
    const keys = Object.entries(KEYS).map(([id, { usd, session }]) => {
      const total = { usd, per: "total" };
      return [id, { budgets: [total, { usd: session, per: "session" }] }] as const;
    });
    desk = await startLadderDesk(Object.fromEntries(keys), { waitSeconds: 1 });
    desk.upstream.answerWith(answerTo);
    await turns(TURNS);
    // On a slow machine many of them only waited: demand goes on until the caps are used, or never are.
    for (let more = 0; more < MORE_TURNS && (await unused()).length > 0; more += AT_ONCE)
      await turns(AT_ONCE);
    rows = await settledRows(desk.gateway);
    lines = await desk.lines();
    budgets = await desk.gateway.budgets();
  });
  after(() => desk?.dispose());

  async function turns(count: number): Promise<void> {
    let left = count;
    await inParallel(AT_ONCE, () => (left-- > 0 ? turn() : null));
  }

  /** Keys that have not spent four fifths of their cap. */
  async function unused(): Promise<string[]> {
    const now = await desk.gateway.budgets();
    return Object.entries(KEYS).flatMap(([key, { usd }]) => {
      const settled = now.find(
        ({ scope, per }) => scope.id === key && per === "total",
      )?.settled_usd;
      return nanoOf(settled ?? "0") * 100n > nanoOf(usd) * 80n
        ? []
        : [`${key}: ${settled} of ${usd}`];
    });
  }

  /** One turn of a session that is not at it already; some ask for the answer in one piece. */
  async function turn(): Promise<void> {
    const free = sessions.filter(({ busy }) => !busy);
    const session = free[integer(random, 0, free.length - 1)];
    if (session === undefined) return;
    session.busy = true;
    const { transcript, key, name } = session;
    transcript.fields["stream"] = random() < 0.7;
    await desk.ask(key, { body: transcript.body(), session: name }).catch(() => null);
    session.busy = false;
  }

  test("the upstream's bill is within every cap, and so are the books", () => {
    for (const budget of budgets) {
      const billed = desk.upstream.bill.lines
        .filter(({ session }) => covers(budget, session ?? ""))
        .reduce((sum, line) => sum + lineNano(line), 0n);
      const cap = nanoOf(budget.limit_usd);
      const name = `${budget.scope.type} ${budget.scope.id}`;
      assert.ok(billed <= cap, `${name}: billed ${usdText(billed)} of ${budget.limit_usd}`);
      assert.ok(nanoOf(budget.settled_usd) <= cap, `${name}: settled ${budget.settled_usd}`);
      assert.ok(billed <= nanoOf(budget.settled_usd), `${name}: more billed than settled`);
    }
  });

  test("no hold was below its charge", () => {
    assert.deepEqual(
      lines.filter(({ type }) => type === "overrun"),
      [],
    );
  });

  test("every rung was at work", () => {
    const admits = lines.filter(({ type }) => type === "admit");
    const seen = {
      admitted: admits.length,
      refused: rows.filter(({ refusal }) => refusal !== null).length,
      clamped: admits.filter((line) => line.clamped_max_tokens !== null).length,
      counted: desk.counts(),
      released: lines.filter(({ type }) => type === "release").length,
      waited: admits.filter((line) => (line.waited_ms ?? 0) > 0).length,
    };
    const unseen = Object.entries(seen).filter(([, count]) => count === 0);
    assert.deepEqual(unseen, [], JSON.stringify(seen));
  });

  test("the caps were used", async () => {
    assert.deepEqual(await unused(), []);
  });
});

/** True where a turn of that session spends from the budget. Sessions are named `key.number`. */
function covers({ scope, per }: BudgetRow, session: string): boolean {
  if (per === "total") return scope.id === session.split(".")[0];
  return scope.id === session || scope.id.endsWith(`/${session}`);
}
