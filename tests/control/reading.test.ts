/** The calls that read: budgets, requests, usage, entities, prices, audit, status, metrics. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { join } from "node:path";
import { segmentPath } from "../../src/journal/layout.ts";
import { ViewsUnavailable } from "../../src/views/worker-link.ts";
import { NO_USAGE } from "../../src/core/usage.ts";
import { startApi, type Api } from "./api-client.ts";
import { budgetView } from "./memory-budgets.ts";
import { requestDetail } from "./memory-ports.ts";

let api: Api;
before(async () => {
  api = await startApi();
});
after(() => api.close());
beforeEach(() => {
  const { budgets, requests, usage, asked } = api.world;
  for (const list of [budgets, requests, usage, asked.requests, asked.usage, asked.synced]) {
    list.length = 0;
  }
  api.world.trouble = null;
});

function rows(answer: { body: Readonly<Record<string, unknown>> }) {
  return answer.body["data"] as Readonly<Record<string, unknown>>[];
}

describe("GET /api/v1/budgets", () => {
  test("prints money exactly and times in UTC", async () => {
    api.world.budgets.push(budgetView());
    const [budget] = rows(await api.get("/api/v1/budgets"));
    assert.deepEqual(budget, {
      id: "team/platform|usd|month|UTC@2026-11-01T00:00:00.000Z",
      scope: { type: "team", id: "platform" },
      parent: null,
      virtual_key: null,
      limit_usd: "4000",
      per: "month",
      time_zone: "UTC",
      overshoot: "none",
      window: { start: "2026-11-01T00:00:00.000Z", end: "2026-12-01T00:00:00.000Z" },
      settled_usd: "1.000000001",
      held_usd: "0.5",
      remaining_usd: "3998.499999999",
      utilization: 0.0002,
    });
  });

  test("shows a session's window, an overrun and a cap of zero", async () => {
    const scope = { type: "session", id: "s1" } as const;
    const parent = { type: "virtual_key", id: "ada" } as const;
    const session = {
      scope,
      parent,
      virtualKey: "ada",
      per: "session",
      startMs: null,
      endMs: null,
    };
    api.world.budgets.push(budgetView({ ...session, id: "s", limit: 0n, settled: 5n, held: 0n }));
    const [budget] = rows(await api.get("/api/v1/budgets"));
    assert.deepEqual(budget?.["window"], { start: null, end: null });
    assert.equal(budget?.["remaining_usd"], "-0.000000005");
    assert.equal(budget?.["utilization"], null);
    assert.equal(budget?.["virtual_key"], "ada");
  });

  test("pages in a fixed order, the outermost scope first, and filters", async () => {
    const levels = ["session", "team", "customer", "virtual_key"] as const;
    for (const type of levels) {
      for (const id of ["b", "a"]) {
        api.world.budgets.push(budgetView({ scope: { type, id }, id: `${type}/${id}` }));
      }
    }
    const seen: unknown[] = [];
    let path: string | null = "/api/v1/budgets?limit=3";
    while (path !== null) {
      const page = await api.get(path);
      seen.push(...rows(page).map(({ id }) => id));
      const next = page.body["next_cursor"];
      path = typeof next === "string" ? `/api/v1/budgets?limit=3&cursor=${next}` : null;
    }
    const order = ["customer", "team", "virtual_key", "session"];
    assert.deepEqual(
      seen,
      order.flatMap((type) => [`${type}/a`, `${type}/b`]),
    );
    const filtered = await api.get("/api/v1/budgets?scope_type=team&scope_id=b");
    assert.deepEqual(
      rows(filtered).map(({ id }) => id),
      ["team/b"],
    );
  });
});

describe("GET /api/v1/requests", () => {
  test("asks the views for what was asked, after they have caught up", async () => {
    api.world.requests.push(requestDetail("req_1"), requestDetail("req_2"));
    const answer = await api.get(
      "/api/v1/requests?team=platform&outcome=ok&from=2026-11-01T00:00:00Z&to=2026-11-02T01:00:00%2B01:00&limit=1&cursor=c",
    );
    assert.equal(rows(answer)[0]?.["attempts"], 1);
    assert.equal(answer.body["next_cursor"], "next");
    assert.deepEqual(api.world.asked.synced, [7]);
    const [filter] = api.world.asked.requests;
    assert.deepEqual(filter, {
      team: "platform",
      outcome: "ok",
      fromMs: Date.UTC(2026, 10, 1),
      toMs: Date.UTC(2026, 10, 2),
      limit: 1,
      cursor: "c",
    });
  });

  test("shows one with its attempts, or 404", async () => {
    api.world.requests.push(requestDetail("req_1"));
    const one = await api.get("/api/v1/requests/req_1");
    assert.equal((one.body["attempts"] as unknown[]).length, 1);
    const none = await api.get("/api/v1/requests/req_2");
    assert.equal(none.status, 404);
    assert.equal(none.body["value"], "req_2");
  });

  test("answers 503 while the views are in trouble, and says nothing of why", async () => {
    api.world.trouble = new ViewsUnavailable("disk at /secret/place");
    const answer = await api.get("/api/v1/requests");
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("retry-after"), "2");
    assert.ok(!answer.text.includes("/secret/place"));
  });
});

describe("GET /api/v1/usage", () => {
  test("passes groups, range, interval and zone on", async () => {
    await api.get(
      "/api/v1/usage?group_by=team,label:cost_center&interval=day&time_zone=Europe/Berlin&from=2026-11-01",
    );
    await api.get("/api/v1/usage");
    assert.deepEqual(api.world.asked.usage, [
      {
        groupBy: ["team", "label:cost_center"],
        fromMs: Date.UTC(2026, 10, 1),
        toMs: undefined,
        interval: "day",
        timeZone: "Europe/Berlin",
      },
      { groupBy: [], fromMs: undefined, toMs: undefined, interval: null, timeZone: "UTC" },
    ]);
  });

  test("pages through more groups than a page holds", async () => {
    for (let index = 0; index < 5; index++) {
      const sums = { requests: 1, usage: NO_USAGE, cost_usd: "0.1" };
      api.world.usage.push({ ...sums, team: `t${index}` });
    }
    const first = await api.get("/api/v1/usage?group_by=team&limit=3");
    const cursor = String(first.body["next_cursor"]);
    const second = await api.get(`/api/v1/usage?group_by=team&limit=3&cursor=${cursor}`);
    const teams = [...rows(first), ...rows(second)].map(({ team }) => team);
    assert.deepEqual(teams, ["t0", "t1", "t2", "t3", "t4"]);
    assert.equal(second.body["next_cursor"], null);
  });
});

describe("wrong parameters", () => {
  const cases = [
    ["/api/v1/requests?x=1", "x"],
    ["/api/v1/requests?team=", "team"],
    ["/api/v1/requests?team=a&team=b", "team"],
    ["/api/v1/requests?limit=0", "limit"],
    ["/api/v1/requests?limit=1001", "limit"],
    ["/api/v1/requests?limit=1e2", "limit"],
    ["/api/v1/requests?cursor=nonsense", "cursor"],
    ["/api/v1/requests?outcome=fine", "outcome"],
    ["/api/v1/requests?from=yesterday", "from"],
    ["/api/v1/requests?from=2026-11-02&to=2026-11-01", "to"],
    ["/api/v1/requests/req_1?x=1", "x"],
    ["/api/v1/budgets?cursor=nonsense", "cursor"],
    ["/api/v1/budgets?scope_type=planet", "scope_type"],
    ["/api/v1/usage?group_by=team,planet", "group_by"],
    ["/api/v1/usage?group_by=team,team", "group_by"],
    ["/api/v1/usage?group_by=label:", "group_by"],
    ["/api/v1/usage?interval=week", "interval"],
    ["/api/v1/usage?time_zone=Mars", "time_zone"],
    ["/api/v1/usage?cursor=nonsense", "cursor"],
    ["/api/v1/audit/records?from_seq=0", "from_seq"],
    ["/api/v1/audit/records?cursor=-1", "cursor"],
    ["/api/v1/prices?at=soon", "at"],
    ["/metrics?x=1", "x"],
  ] as const;
  for (const [path, parameter] of cases) {
    test(`${path} is answered with 400 that names ${parameter}`, async () => {
      const { status, body } = await api.get(path);
      assert.equal(status, 400);
      assert.equal(body["parameter"], parameter);
      assert.match(String(body["detail"]), new RegExp(`\\b${parameter}\\b.*[:.]`));
    });
  }
});

describe("entities", () => {
  test("teams have the fields of the file", async () => {
    assert.deepEqual((await api.get("/api/v1/teams/platform")).body, {
      id: "platform",
      name: null,
      customer: "acme",
      labels: { cost_center: "4711" },
      access: null,
      mode: null,
      weight: 1,
      priority: null,
      budgets: [{ usd: "4000", per: "month", time_zone: "Europe/Berlin", overshoot: "none" }],
      rate_limits: [{ requests: 600, per: "minute" }, { concurrent: 200 }],
      source: "file",
    });
  });

  test("providers show their keys without a secret", async () => {
    const [provider] = rows(await api.get("/api/v1/providers"));
    assert.deepEqual(provider?.["keys"], [{ id: "main", weight: 2 }]);
  });

  for (const [plural, id] of [
    ["customers", "acme"],
    ["teams", "research"],
    ["owners", "ada@acme.example"],
    ["providers", "anthropic"],
    ["virtual-keys", "ada"],
  ] as const) {
    test(`${plural}: a list, one of it, and 404`, async () => {
      const ids = rows(await api.get(`/api/v1/${plural}`)).map((each) => each["id"]);
      assert.ok(ids.includes(id));
      const one = await api.get(`/api/v1/${plural}/${encodeURIComponent(id)}`);
      assert.equal(one.body["id"], id);
      const none = await api.get(`/api/v1/${plural}/${"n".repeat(128)}`);
      assert.equal(none.status, 404);
    });
  }

  test("lists page by id", async () => {
    const first = await api.get("/api/v1/teams?limit=1");
    const second = await api.get(
      `/api/v1/teams?limit=1&cursor=${String(first.body["next_cursor"])}`,
    );
    const ids = [...rows(first), ...rows(second)].map(({ id }) => id);
    assert.deepEqual(ids, ["platform", "research"]);
    assert.equal(second.body["next_cursor"], null);
  });
});

describe("prices", () => {
  test("an override of the file applies from its day on", async () => {
    const { body } = await api.get("/api/v1/prices/claude-custom-1?at=2026-06-01");
    assert.equal(body["price"], "override");
    assert.equal((body["rates"] as { output: string }).output, "25");
  });

  test("an unknown model has the assumed price, and every listed one a price of its own", async () => {
    assert.equal((await api.get("/api/v1/prices/whatever")).body["price"], "assumed");
    const listed = rows(await api.get("/api/v1/prices?limit=1000"));
    assert.ok(listed.length > 5);
    assert.ok(listed.every(({ price }) => price !== "assumed"));
  });
});

describe("the journal", () => {
  const directory = (): string => api.world.ports.journalDirectory;
  before(() => {
    mkdirSync(directory(), { recursive: true });
    const line = (seq: number): string =>
      `${JSON.stringify({ ...(seq % 3 === 1 && { format: 1 }), seq, prev: "0".repeat(64), time: "t", type: "config" })}\n`;
    // Two whole segments, one that is being written: line 8 is not published yet, line 9 is torn.
    writeFileSync(segmentPath(directory(), 1), line(1) + line(2) + line(3));
    writeFileSync(segmentPath(directory(), 2), line(4) + line(5) + line(6));
    writeFileSync(segmentPath(directory(), 3), `${line(7)}${line(8)}{"seq":9,"pr`);
  });

  test("its head is the checkpoint", async () => {
    const { body } = await api.get("/api/v1/audit/checkpoint");
    assert.deepEqual(body, { node: "nAAAAAAAA", seq: 7, hash: "ab".repeat(32), time: null });
  });

  for (const [query, seqs, next] of [
    ["", [1, 2, 3, 4, 5, 6, 7], null],
    ["?from_seq=5", [5, 6, 7], null],
    ["?from_seq=3&limit=2", [3, 4], "5"],
    ["?cursor=5&limit=2", [5, 6], "7"],
    ["?cursor=7&limit=1", [7], null],
    ["?from_seq=8", [], null],
    ["?from_seq=999999", [], null],
  ] as const) {
    test(`records${query} are lines ${seqs.join(", ")}`, async () => {
      const answer = await api.get(`/api/v1/audit/records${query}`);
      assert.deepEqual(
        rows(answer).map(({ seq }) => seq),
        seqs,
      );
      assert.equal(answer.body["next_cursor"], next);
    });
  }

  test("a journal without a line has no records", async () => {
    const empty = await startApi();
    try {
      assert.deepEqual((await empty.get("/api/v1/audit/records")).body["data"], []);
    } finally {
      await empty.close();
    }
  });
});

test("the status tells version, mode and trouble", async () => {
  const { body } = await api.get("/api/v1/status");
  assert.equal(body["version"], "9.8.7");
  assert.equal(body["mode"], "enforce");
  assert.deepEqual(body["provider_troubles"], ["provider anthropic refused key main with 401"]);
  assert.equal(body["data_dir"], join(api.world.ports.journalDirectory, "..", ".."));
});

test("metrics are text, and need a token unless they are open", async () => {
  const answer = await api.get("/metrics");
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.equal(answer.text, "# HELP a b\na 1\n");
  assert.equal((await api.call("GET", "/metrics", { token: null })).status, 401);
  api.world.openMetrics = true;
  assert.equal((await api.call("GET", "/metrics", { token: null })).status, 200);
  assert.equal((await api.call("GET", "/api/v1/status", { token: null })).status, 401);
});
