/** The description against the running server: for every operation, what it says is what happens. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { Answers, type ProblemBody } from "./openapi-answers.ts";
import { Caller } from "./openapi-calls.ts";
import { startDesk, type Desk, type Sent } from "./openapi-desk.ts";
import type { Operation } from "./openapi-document.ts";

const SEED = Number(process.env["TOLLGATE_SEED"] ?? Date.now() % 1_000_000_000);
const RUNS = { valid: 16, wrong: 20 };
/** What is made must be there for what changes it, and what removes it comes after that. */
const ORDER = ["POST", "GET", "PATCH", "DELETE"];
/** Makes the token void that all other calls are signed in with. */
const LAST = "resetAdminToken";

/** That of the desk's requests, which name none. */
const SESSION = `default ${new Date().toISOString().slice(0, "YYYY-MM-DD".length)}`;

let desk: Desk;
let caller: Caller;
let answers: Answers;
/** Ids that were made by API, by the path of their list. */
const made = new Map<string, string[]>();

before(async () => {
  console.log(`seed ${SEED}`);
  desk = await startDesk();
  answers = new Answers(desk.document);
  const hints = {
    customer: ["acme"],
    team: ["platform"],
    owner: ["ada@acme.example"],
    virtual_key: ["ada"],
    kind: ["rehearsal", "anthropic"],
    secret: ["env:UPSTREAM_KEY"],
    base_url: ["http://127.0.0.1:9"],
    time_zone: ["UTC", "Europe/Berlin", "America/St_Johns", "Mars"],
    expires: ["2090-01-01", "2001-01-01T00:00:00Z"],
    models: [["claude-*"]],
    group_by: ["team", "model,label:cost_center", "planet", "virtual_key,session"],
    cost_usd: ["0.001", "0", "99999"],
    attempt: [1],
    token: [desk.token],
    "if-match": ["*", '"0123456789abcdef0123456789abcdef"'],
    cursor: ["nonsense", "1", "azE6YQ"],
  };
  caller = new Caller(desk.document.components.schemas, { hints, ids: idsOf });
});
after(() => desk?.dispose());

/** Those that were made go first: they can be changed. */
function idsOf({ path, operationId }: Operation): readonly string[] {
  const list = path.replace(/\/\{id\}.*$/, "");
  if (operationId === "correctRequest") return desk.estimated;
  if (list === "/api/v1/requests") return desk.estimated;
  if (list === "/api/v1/prices") return ["claude-opus-5-5"];
  if (list === "/api/v1/provider-kinds") return ["bedrock"];
  if (list.startsWith("/api/v1/sessions")) return [SESSION];
  return [...(made.get(list) ?? []).slice(-1), "ada"];
}

async function call(operation: Operation, sent: Sent): Promise<number> {
  const answer = await desk.call(operation, sent);
  answers.hold(operation, answer, JSON.stringify(sent));
  const isGood = answer.status < 300;
  if (isGood && operation.operationId === LAST)
    desk.token = (answer.json() as { token: string }).token;
  if (isGood && operation.operationId.startsWith("create") && answer.body.length > 0) {
    const { id } = /json/.test(String(answer.headers["content-type"]))
      ? (answer.json() as { id?: string })
      : {};
    if (id !== undefined) made.set(operation.path, [...(made.get(operation.path) ?? []), id]);
  }
  if (isGood && operation.method === "DELETE" && sent.id !== undefined) {
    const list = operation.path.replace("/{id}", "");
    made.set(
      list,
      (made.get(list) ?? []).filter((id) => id !== sent.id),
    );
  }
  return answer.status;
}

function inOrder(): Operation[] {
  const rank = ({ method, path, operationId }: Operation): number =>
    ORDER.indexOf(method) + (path.includes("{id}") ? 0.5 : 0) + (operationId === LAST ? 10 : 0);
  return desk.operations.toSorted((left, right) => rank(left) - rank(right));
}

/** As the problem names it: a header in any case, a field by its path. */
function isNamed({ parameter = "", detail }: ProblemBody, named: string): boolean {
  const [top = ""] = parameter.split(/[.[]/);
  const names = [parameter, top].map((name) => name.toLowerCase());
  return names.includes(named) && detail.toLowerCase().includes(named);
}

describe("every operation", () => {
  test("answers what is allowed as it is described", async (context) => {
    for (const operation of inOrder()) {
      await context.test(operation.operationId, async () => {
        // What the others have made may be in use by now.
        if (operation.method === "DELETE") await remake(operation);
        for (const sent of caller.least(operation)) await call(operation, sent);
        const calls = caller.valid(operation);
        await fc.assert(
          fc.asyncProperty(calls, async (sent) => void (await call(operation, sent))),
          { seed: SEED, numRuns: RUNS.valid },
        );
        // What is removed here is needed below.
        if (operation.method === "DELETE") await remake(operation);
      });
    }
  });

  test("refuses what is not allowed, and names it", async (context) => {
    for (const operation of inOrder()) {
      await context.test(operation.operationId, async () => {
        const calls = caller.wrong(operation);
        await fc.assert(
          fc.asyncProperty(calls, async ({ sent, named }) => {
            const answer = await desk.call(operation, sent);
            const told = `${JSON.stringify(sent)}: ${answer.body.toString()}`;
            answers.hold(operation, answer, told);
            assert.equal(answer.status, 400, told);
            const problem = answer.json() as ProblemBody;
            if (named !== null) assert.ok(isNamed(problem, named.toLowerCase()), told);
          }),
          { seed: SEED, numRuns: RUNS.wrong },
        );
      });
    }
  });

  test("has given each of its good answers", () => {
    assert.deepEqual(answers.notReached(desk.operations), []);
    assert.ok(desk.operations.length >= 38, String(desk.operations.length));
  });
});

async function remake({ path }: Operation): Promise<void> {
  const list = path.replace("/{id}", "");
  const create = desk.operations.find((each) => each.method === "POST" && each.path === list);
  const [sent] = create === undefined ? [] : caller.least(create);
  if (create !== undefined && sent !== undefined) await call(create, sent);
}

describe("who may call", () => {
  const known = (operation: Operation): Sent => caller.least(operation)[0] ?? {};

  test("nobody without a token, where the description asks for one", async () => {
    let guarded = 0;
    for (const operation of desk.operations) {
      if (operation.security.length === 0) continue;
      guarded++;
      for (const authorization of ["", "Bearer wrong", "Basic eDp4"]) {
        const sent = known(operation);
        const headers = { ...sent.headers, authorization };
        const answer = await desk.call(operation, { ...sent, headers });
        answers.hold(operation, answer, "without a token");
        assert.equal(answer.status, 401, operation.operationId);
      }
    }
    assert.equal(desk.operations.length - guarded, 1, "signing in needs no token");
  });

  test("a browser's session, but changes nothing without x-tollgate-csrf", async () => {
    const signIn = desk.operations.find(({ operationId }) => operationId === "createSession");
    assert.ok(signIn !== undefined);
    const body = JSON.stringify({ token: desk.token });
    const headers = { "content-type": "application/json" };
    const signedIn = await desk.call(signIn, { headers, body });
    const cookie = String(signedIn.headers["set-cookie"]).split(";", 1)[0] ?? "";
    for (const operation of desk.operations) {
      if (operation.security.length === 0) continue;
      const { "x-tollgate-csrf": _, ...others } = known(operation).headers ?? {};
      const sent = {
        ...known(operation),
        headers: { ...others, authorization: undefined, cookie },
      };
      const answer = await desk.call(operation, sent);
      answers.hold(operation, answer, "with a cookie");
      const needs = operation.security.some((scheme) => "csrf" in scheme);
      assert.equal(needs, operation.method !== "GET", operation.operationId);
      if (needs) assert.equal(answer.status, 403, operation.operationId);
      else assert.ok(answer.status < 300, operation.operationId);
    }
    const backup = desk.operations.find(({ operationId }) => operationId === "createBackup");
    assert.ok(backup !== undefined);
    const ours = { authorization: undefined, cookie, "x-tollgate-csrf": "1" };
    assert.equal((await desk.call(backup, { headers: ours })).status, 201);
  });
});

test("bodies that are no JSON, too deep, too large or of another type are refused", async () => {
  const deep = `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`;
  const json = "application/json";
  const cases: readonly (readonly [type: string, body: string, status: number])[] = [
    [json, "{bad", 400],
    [json, "\u0000", 400],
    [json, '{"__proto__":{"a":1}}', 400],
    [json, deep, 400],
    [json, "[".repeat(100_000) + "]".repeat(100_000), 400],
    [json, JSON.stringify({ id: "x".repeat(1024 * 1024) }), 413],
    ["text/plain", "id=1", 415],
    ["application/x-www-form-urlencoded", "id=1", 415],
    ["nonsense", "{}", 415],
  ];
  for (const operation of desk.operations.filter(({ requestBody }) => requestBody !== undefined)) {
    const [least] = caller.least(operation);
    for (const [type, body, status] of cases) {
      const answer = await desk.call(operation, {
        ...least,
        headers: { "content-type": type },
        body,
      });
      const told = `${operation.operationId} ${type} ${body.slice(0, 30)}`;
      answers.hold(operation, answer, told);
      assert.equal(answer.status, status, told);
    }
  }
});

test("identifiers of every length and kind are answered as described", async () => {
  const ids = ["x".repeat(3000), "%E0%A4%A", "..", ".", "%2F", "a\u0000b", "ad%61"];
  for (const operation of desk.operations.filter(({ path }) => path.includes("{id}"))) {
    const [least] = caller.least(operation);
    for (const id of ids) {
      answers.hold(operation, await desk.call(operation, { ...least, id }), id.slice(0, 20));
    }
  }
});
