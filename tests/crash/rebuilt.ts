/** All that a gateway derives from its journal must come out the same when it is derived again. */
import assert from "node:assert/strict";
import type { Life } from "./life.ts";

/** Compares the API's answers after a clean stop, `tollgate rebuild` and a start without the snapshot. */
export async function assertRebuilt(life: Life): Promise<void> {
  const { gateway, books } = life;
  const before = await books.answers();
  assert.equal(await gateway.stop(), 0, gateway.logs());
  const rebuilt = await gateway.cli("rebuild");
  assert.equal(rebuilt.code, 0, rebuilt.output);
  life.remove("snapshot.json");
  assert.ok(await life.start());
  assert.deepEqual(await books.answers(), before, "rebuilt, and without the snapshot");
  await books.check("rebuilt, and without the snapshot");
}
