/** SIGKILL before, within and after a write of each type of record, and at each call that moves the head. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { pointName, type KillPoint, type TracedCall } from "./faults.ts";
import { startLife, type Life } from "./life.ts";
import { pointsOf } from "./points.ts";
import { assertRebuilt } from "./rebuilt.ts";
import { runScript, waitForHeads } from "./script.ts";

let life: Life;

before(async () => {
  life = await startLife();
});
after(() => life?.dispose());

async function traceScript(): Promise<TracedCall[]> {
  life.desk.set({ trace: true });
  await runScript(life);
  await waitForHeads(life);
  await life.books.check("without any fault");
  return life.desk.trace();
}

/** @returns whether the process died there. */
function dieInScript(kill: KillPoint): Promise<boolean> {
  return life.dieOf({ kill }, async () => {
    await runScript(life);
    if (kill.file?.startsWith("segment/") !== true) await waitForHeads(life);
  });
}

test("each billed request is on the books once, whichever call was the last", async (t) => {
  const points = pointsOf(await traceScript());
  const missed: string[] = [];
  for (const [index, kill] of points.entries()) {
    const name = pointName(kill);
    if (!(await dieInScript(kill))) missed.push(name);
    life.books.verify(`${name}, before the start`);
    // Every other time the views begin anew: the rows must be those of before.
    if (index % 2 === 0) life.removeViews();
    assert.ok(await life.start());
    await life.books.check(name);
  }
  t.diagnostic(`kills: ${points.length}: ${points.map(pointName).join("; ")}`);
  assert.deepEqual(missed, []);
  for (const type of ["admit", "settle", "refuse", "config", "admin_change"])
    assert.ok(points.some(({ file }) => file === `segment/${type}`));
});

test("all of it comes out the same when it is derived again", () => assertRebuilt(life));
