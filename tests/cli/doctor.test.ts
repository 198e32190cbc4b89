/** Each of doctor's checks fails where it should, and then names a remedy. */
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { roomCheck } from "../../src/cli/doctor-data.ts";
import { runtimeCheck } from "../../src/cli/doctor-machine.ts";
import type { Finding } from "../../src/cli/finding.ts";
import type { ControlPorts } from "../../src/control/ports.ts";
import { createControlServer } from "../../src/control/server.ts";
import { headPath } from "../../src/journal/head.ts";
import { journalDirectory, listNodes, segmentPath } from "../../src/journal/layout.ts";
import { memoryWorld } from "../control/memory-ports.ts";
import { cancel, nextTurn, openTest } from "../journal/records.ts";
import { freshFolder, runCli } from "./run-cli.ts";

const GIBIBYTE = 2 ** 30;
const YEAR_AHEAD_MS = 365 * 86_400_000;

async function findings(
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Map<string, Finding>> {
  const { out, err } = await runCli(folder, ["doctor", "--json"], env);
  assert.notEqual(out, "", err);
  const found = JSON.parse(out) as readonly Finding[];
  for (const each of found) assert.equal(each.remedy === null, each.state === "ok", each.name);
  return new Map(found.map((each) => [each.name, each]));
}

function assertFinding(
  found: Finding | undefined,
  state: Finding["state"],
  { message, remedy }: { readonly message: RegExp; readonly remedy: RegExp },
): void {
  assert.equal(found?.state, state, JSON.stringify(found));
  assert.match(found.message, message);
  assert.match(found.remedy ?? "", remedy);
}

/** Findings about a gateway whose ports are changed so. */
async function findingsOf(change: Partial<ControlPorts>): Promise<Map<string, Finding>> {
  const folder = freshFolder();
  const dataDir = join(folder, "data");
  mkdirSync(dataDir, { mode: 0o700 });
  const server = createControlServer({ ...memoryWorld(dataDir).ports, ...change });
  await server.listenSocket(join(dataDir, "control.sock"));
  try {
    return await findings(folder);
  } finally {
    await server.close();
  }
}

/** A folder whose `data` has a journal; its lines are of `aheadMs` from now. */
async function withJournal(aheadMs = 0) {
  const folder = freshFolder();
  const dataDir = join(folder, "data");
  const { journal } = await openTest(dataDir, {});
  const time = new Date(Date.now() + aheadMs).toISOString();
  await journal.intent({ ...cancel("r"), time });
  await nextTurn();
  await journal.close();
  const [node = ""] = listNodes(dataDir);
  const directory = journalDirectory(dataDir, node);
  return { folder, name: `journal ${node}`, directory };
}

describe("doctor on a running gateway", { concurrency: 2 }, () => {
  test("runtime and disk", () => {
    assertFinding(runtimeCheck("20.11.0"), "fail", { message: /20\.11\.0/, remedy: /Node 24/ });
    assert.equal(runtimeCheck("24.0.0").state, "ok");
    const remedy = /make room/;
    assertFinding(roomCheck(GIBIBYTE / 100), "fail", { message: /0\.0 GiB/, remedy });
    assertFinding(roomCheck(GIBIBYTE / 2), "warn", { message: /0\.5 GiB/, remedy });
    assert.equal(roomCheck(2 * GIBIBYTE).state, "ok");
  });

  test("readiness, reload, provider credentials and books", async () => {
    const found = await findingsOf({
      health: () => ({
        ready: false,
        reasons: ["the journal cannot be written"],
        providerTroubles: ["provider anthropic refused key main with 401"],
        configurationFault: "tollgate.yaml:3:1 teams[0]: it is wrong",
        invariantBreaches: ["held_is_sum of a window: wrong", "cap_kept of another: wrong"],
      }),
    });
    const expected = {
      readiness: { message: /journal cannot be written/, remedy: /refused until/ },
      providers: { message: /refused key main/, remedy: /check --online/ },
      books: { message: /held_is_sum of a window.*and 1 more/, remedy: /restart the gateway/ },
    };
    for (const [name, finding] of Object.entries(expected))
      assertFinding(found.get(name), "fail", finding);
    assertFinding(found.get("reload"), "warn", { message: /:3:1/, remedy: /mend the file/ });
  });

  test("views that lag, and views that cannot be read", async () => {
    const status = { appliedSeq: 7, position: null, skipped: 0, failures: 1, error: null };
    const { views } = memoryWorld().ports;
    const remedy = /tollgate rebuild/;
    const lagging = { ...views, status: () => ({ ...status, lagMs: 9000 }) };
    const slow = (await findingsOf({ views: lagging })).get("views");
    assertFinding(slow, "warn", { message: /9000 ms behind/, remedy });
    const broken = { ...views, status: () => ({ ...status, lagMs: 0, error: "no such table" }) };
    const failing = (await findingsOf({ views: broken })).get("views");
    assertFinding(failing, "warn", { message: /no such table/, remedy });
  });
});

describe("doctor without a gateway", { concurrency: 2 }, () => {
  test("a faulty configuration, a listen address that is none, an admin API that is not there", async () => {
    const folder = freshFolder();
    writeFileSync(join(folder, "tollgate.yaml"), "teams: [{ id: a, customer: nobody }]\n");
    const found = await findings(folder, {
      TOLLGATE_LISTEN: "nonsense",
      TOLLGATE_ADMIN_URL: "http://127.0.0.1:1",
      TOLLGATE_ADMIN_TOKEN: "x",
    });
    const expected = {
      configuration: { message: /fault.*tollgate\.yaml:1/, remedy: /tollgate check/ },
      port: { message: /nonsense is no address/, remedy: /host:port/ },
      "admin API": { message: /no gateway answers/, remedy: /TOLLGATE_ADMIN_URL/ },
    };
    for (const [name, finding] of Object.entries(expected))
      assertFinding(found.get(name), "fail", finding);
  });

  test("a clock behind the journal", async () => {
    const { folder } = await withJournal(YEAR_AHEAD_MS);
    const clock = (await findings(folder)).get("clock");
    assertFinding(clock, "fail", { message: /in the future/, remedy: /set the clock/ });
  });

  test("a torn line, a damaged head and a missing one", async () => {
    const { folder, name, directory } = await withJournal();
    appendFileSync(segmentPath(directory, 1), '{"seq":');
    const torn = (await findings(folder)).get(name);
    assertFinding(torn, "warn", { message: /torn line/, remedy: /next start cuts it off/ });
    const remedy = /audit verify.*restore from a backup/;
    writeFileSync(headPath(directory), "{}");
    const damaged = (await findings(folder)).get(name);
    assertFinding(damaged, "fail", { message: /head is damaged/, remedy });
    rmSync(headPath(directory));
    const missing = (await findings(folder)).get(name);
    assertFinding(missing, "fail", { message: /head is missing/, remedy });
  });
});
