/** SIGKILL in a first start, and in one that mends a crash, follows one segment by another and stops. */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync } from "node:fs";
import { describe, test, type TestContext } from "node:test";
import { join } from "node:path";
import { systemClock, formatTime } from "../../src/core/time.ts";
import {
  journalDirectory,
  listNodes,
  listSegments,
  segmentPath,
} from "../../src/journal/layout.ts";
import { openJournal } from "../../src/journal/open.ts";
import { until } from "../harness/gateway.ts";
import { pointName } from "./faults.ts";
import { soundAnswer, startLife, type Life } from "./life.ts";
import { pointsOf } from "./points.ts";
import { assertRebuilt } from "./rebuilt.ts";
import { ask, runScript } from "./script.ts";

const MEBIBYTE = 1024 * 1024;

interface Deaths {
  /** Leaves a data directory, and no process. */
  readonly prepare: (life: Life) => Promise<void>;
  /** What happens to the directory before each start. */
  readonly spoil?: (life: Life) => void;
  /** What the process does on the way to its end, from its start on. */
  readonly lead: (life: Life) => Promise<void>;
  /** What the directory must hold in the end, beside sound books. */
  readonly check: (life: Life) => void | Promise<void>;
  readonly config?: object;
}

/** Dies at each point of what a process does with a data directory, each time with what the last death left. */
async function dieAtEach(t: TestContext, deaths: Deaths): Promise<void> {
  const { prepare, spoil = () => undefined, lead, check, config = {} } = deaths;
  const life = await startLife({ config });
  try {
    await prepare(life);
    life.keep();
    spoil(life);
    life.desk.set({ trace: true });
    await lead(life);
    const points = pointsOf(life.desk.trace());
    await life.gateway.kill9();
    life.putBack();
    const missed: string[] = [];
    for (const kill of points) {
      spoil(life);
      if (!(await life.dieOf({ kill }, () => lead(life)))) missed.push(pointName(kill));
      life.books.verify(pointName(kill));
    }
    assert.ok(await life.start());
    const answer = await ask(life, "after", { stream: true });
    assert.equal(answer?.status, 200, String(answer?.body));
    await life.books.check("after all deaths");
    await check(life);
    t.diagnostic(`kills: ${points.length}: ${points.map(pointName).join("; ")}`);
    assert.deepEqual(missed, []);
  } finally {
    await life.dispose();
  }
}

function assertPepper({ gateway }: Life): void {
  const pepper = readFileSync(join(gateway.dataDir, "pepper"), "utf8");
  assert.match(pepper, /^[0-9a-f]{64}\n$/, "hashes need a pepper");
}

/** One request is under way, the segment is full, and a budget new. */
async function crashBeforeTheNextSegment(life: Life): Promise<void> {
  await runScript(life);
  life.upstream.answerWith(() => ({ ...soundAnswer(), fault: { kind: "stall", afterEvents: 3 } }));
  const open = ask(life, "open", { stream: true });
  await until("the stream runs", () => life.upstream.bill.lines.at(-1)?.state === "open");
  await life.dieOf({}, async () => undefined);
  await open;
  life.upstream.answerWith(() => soundAnswer());
  await fillSegment(life);
  life.configure();
}

/** One long line, so that the next one goes into another segment. */
async function fillSegment({ gateway: { dataDir } }: Life): Promise<void> {
  const [node = ""] = listNodes(dataDir);
  const { journal } = await openJournal({
    dataDir,
    node,
    durability: "os",
    segmentBytes: 2 * MEBIBYTE,
    clock: systemClock,
    onFault: ({ message }) => assert.fail(message),
  });
  const time = formatTime(systemClock.wallMs());
  journal.outcome({ type: "gap", time, reason: "disk_full", detail: "x".repeat(MEBIBYTE) });
  await journal.close();
}

/** What a write leaves that was under way. */
function tearLastLine(life: Life): void {
  const directory = journalOf(life);
  appendFileSync(segmentPath(directory, listSegments(directory).at(-1) ?? 1), '{"seq":');
}

function journalOf({ gateway: { dataDir } }: Life): string {
  const [node = ""] = listNodes(dataDir);
  return journalDirectory(dataDir, node);
}

describe("kill -9 where a process begins and ends", { concurrency: 2 }, () => {
  test("in the first start on an empty directory", (t) =>
    dieAtEach(t, {
      prepare: async (life) => {
        await life.gateway.kill9();
        life.removeAll();
      },
      lead: async (life) => void (await life.start()),
      check: assertPepper,
    }));

  test("in a start that mends, follows one segment by the next, and stops", (t) =>
    dieAtEach(t, {
      config: { journal: { segment_mb: 1 } },
      prepare: crashBeforeTheNextSegment,
      spoil: tearLastLine,
      lead: async (life) => {
        if (await life.start()) await life.gateway.stop();
      },
      check: (life) => {
        assert.deepEqual(listSegments(journalOf(life)), [1, 2]);
        return assertRebuilt(life);
      },
    }));
});
