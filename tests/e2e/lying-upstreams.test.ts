/** Upstreams that lie: none crashes the gateway, keeps it waiting, leaks or makes a wrong bill. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Socket } from "node:net";
import { nanoOf } from "../harness/bill.ts";
import { startGateway, until, type Gateway, type RequestRow } from "../harness/gateway.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { text } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { onRequests, rawServer, type RawServer } from "../providers/raw-server.ts";
import { DESK_MODEL, secretOf } from "./desk.ts";
import type { RequestView } from "./failover-desk.ts";
import { LYING_CASES, outcomeOf, type Client, type LyingCase } from "./lying-cases.ts";
import { DOORS, WORDS, type DoorName } from "./lying-words.ts";

const PAGE = join(import.meta.dirname, "../../docs/route/fail-over.md");
/** 10 tokens of input and 5 of output, by list price. */
const BILLED_NANO: Readonly<Record<DoorName, bigint>> = {
  Messages: 10n * 4_000n + 5n * 20_000n,
  "chat completions": 10n * 1_750n + 5n * 14_000n,
};
const PROVIDERS: Readonly<Record<DoorName, object>> = {
  Messages: { kind: "anthropic" },
  "chat completions": { kind: "openai", door: "chat", models: { [DESK_MODEL]: "gpt-5.2" } },
};
const ROW_OUTCOMES: Readonly<Record<Client, string>> = {
  "another target": "ok",
  "the answer": "ok",
  "a cut": "upstream_error",
  "an error event": "upstream_error",
  "no end": "client_closed",
};
const AT_ONCE = 12;
/** A client that gets no end waits so long after it has seen something. */
const HANG_UP_MS = 1_500;

describe("upstreams that lie", { concurrency: true }, () => {
  for (const door of DOORS) liesAt(door);

  test("the page tells the outcome of exactly these cases", () => {
    const lines = readFileSync(PAGE, "utf8").split("\n");
    const from = lines.findIndex((line) => line.startsWith("| an upstream that sends |"));
    const written = lines.slice(from + 2, lines.indexOf("", from));
    const cell = (each: LyingCase, door: DoorName) => outcomeOf(each, door).join(", ");
    const expected = LYING_CASES.map(
      (each) => `| ${each.what} | ${DOORS.map((door) => cell(each, door)).join(" | ")} |`,
    );
    assert.deepEqual(written, expected, `the page must hold:\n${expected.join("\n")}\n`);
  });
});

function liesAt(door: DoorName): void {
  describe(door, { concurrency: AT_ONCE }, () => {
    let liar: RawServer;
    let spare: Upstream;
    let gateway: Gateway;

    before(async () => {
      liar = await rawServer((socket) => lie(socket, door));
      spare = await startUpstream(() => text("from the spare"));
      gateway = await startGateway({
        config: configOf(door, { liar: liar.origin, spare: spare.url }),
        env: envOf(),
      });
    });
    after(async () => {
      try {
        await assertNothingLeft(gateway, liar);
      } finally {
        await gateway?.dispose();
        await Promise.all([liar?.close(), spare?.stop()]);
      }
    });

    for (const each of LYING_CASES) {
      const [client, booked] = outcomeOf(each, door);
      test(`${each.what}: ${client}, ${booked}`, async () => {
        const got = await ask(gateway, each, client === "no end");
        if (client === "another target" || client === "the answer") {
          assert.ok(got !== null);
          assert.equal(got.status, 200, got.body.toString("utf8"));
          const isSpare = client === "another target";
          const servedBy = String(got.headers["tollgate-served-by"]);
          assert.equal(servedBy.startsWith("spare/"), isSpare);
          if (got.headers["content-encoding"] === undefined)
            assert.match(got.body.toString("utf8"), isSpare ? /from the spare/ : /from the liar/);
          if (isSpare) assert.doesNotMatch(got.body.toString("utf8"), /from the liar/);
        } else if (client === "an error event") {
          assert.match(got?.body.toString("utf8") ?? "", /from the liar[^]*event: error/);
        } else assert.equal(got, null);
        const row = await detailOf(gateway, each.id);
        assert.equal(row.outcome, ROW_OUTCOMES[client]);
        const [lied, other, more] = row.attempts;
        assert.ok(lied !== undefined && more === undefined);
        assert.equal(other?.provider, client === "another target" ? "spare" : undefined);
        const cost = nanoOf(lied.cost_usd);
        if (booked === "free") assert.equal(cost, 0n);
        else if (booked === "as billed") assert.equal(cost, BILLED_NANO[door]);
        else assert.ok(cost >= BILLED_NANO[door], `${cost}`);
        assert.equal(lied.estimated, booked === "estimated");
      });
    }
  });
}

/** Answers a request as the case in its path says. */
function lie(socket: Socket, door: DoorName): void {
  onRequests(socket, (head) => {
    const [, id] = /^POST \/([a-z0-9-]+)\//.exec(head) ?? [];
    const lying = LYING_CASES.find((each) => each.id === id);
    if (lying === undefined || head.includes("/count_tokens")) {
      socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    void lying.send(socket, WORDS[door]);
  });
}

/** Null where the answer was cut, or the client gave up. */
async function ask(
  gateway: Gateway,
  { id, stream }: LyingCase,
  hangsUp: boolean,
): Promise<RawAnswer | null> {
  const message = { role: "user", content: "Hi" };
  const body = JSON.stringify({ model: DESK_MODEL, max_tokens: 1000, messages: [message], stream });
  const client = new AbortController();
  const asking = send(gateway.url, {
    path: "/v1/messages",
    headers: { "x-api-key": secretOf(id), "content-type": "application/json" },
    body,
    ...(hangsUp ? { signal: client.signal } : {}),
  }).catch(() => null);
  if (hangsUp) setTimeout(() => client.abort(), HANG_UP_MS);
  return asking;
}

async function detailOf(gateway: Gateway, key: string): Promise<RequestView> {
  const find = (rows: readonly RequestRow[]) => rows.find((row) => row.virtual_key === key);
  const rows = await gateway.rows((all) => typeof find(all)?.outcome === "string");
  return (await gateway.api(`/api/v1/requests/${find(rows)?.id}`)) as RequestView;
}

async function assertNothingLeft(gateway: Gateway, liar: RawServer): Promise<void> {
  for (const budget of await gateway.budgets()) assert.equal(nanoOf(budget.held_usd), 0n);
  await until("no connection to the liar is in use", () => liar.open() === 0);
  assert.doesNotMatch(gateway.logs(), /failed on this request|Unhandled|uncaught/i);
  assert.equal(gateway.process().exitCode, null);
}

function configOf(door: DoorName, urls: { readonly liar: string; readonly spare: string }): object {
  return {
    server: { timeouts: { first_byte: "4s", idle: "2s" } },
    providers: [
      {
        id: "spare",
        kind: "anthropic",
        base_url: urls.spare,
        keys: [{ id: "main", secret: "env:SPARE" }],
      },
      ...LYING_CASES.map(({ id }) => ({
        id,
        ...PROVIDERS[door],
        base_url: `${urls.liar}/${id}`,
        keys: [{ id: "main", secret: "env:LIAR" }],
      })),
    ],
    customers: [{ id: "acme", budgets: [{ usd: "1000", per: "total" }] }],
    teams: [{ id: "platform", customer: "acme" }],
    virtual_keys: LYING_CASES.map(({ id }) => ({
      id,
      team: "platform",
      secret: `env:${variableOf(id)}`,
      providers: [{ id }, { id: "spare" }],
    })),
  };
}

function envOf(): Record<string, string> {
  const secrets = LYING_CASES.map(({ id }) => [variableOf(id), secretOf(id)] as const);
  return { SPARE: "upstream-spare", LIAR: "upstream-liar", ...Object.fromEntries(secrets) };
}

function variableOf(id: string): string {
  return `CLIENT_${id.toUpperCase().replaceAll("-", "_")}`;
}
