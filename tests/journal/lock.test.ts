import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { acquireLock } from "../../src/journal/lock.ts";
import { freshDirectory } from "./records.ts";

const LOCK_MODULE = join(import.meta.dirname, "../../src/journal/lock.ts");

/** A process that takes the lock, says what it got, and stays. */
async function holder(dataDir: string): Promise<{ child: ChildProcess; said: unknown }> {
  const program = `
    import { acquireLock } from ${JSON.stringify(LOCK_MODULE)};
    const result = acquireLock(${JSON.stringify(dataDir)});
    console.log(JSON.stringify(result));
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: JSON.parse(text.toString()) };
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

test("a second process is refused and told who the first is; kill -9 frees the directory", async (context) => {
  const dataDir = join(freshDirectory(context), "data");
  const first = await holder(dataDir);
  context.after(() => first.child.kill("SIGKILL"));
  assert.deepEqual(first.said, {});

  const refused = acquireLock(dataDir);
  assert.ok("heldBy" in refused);
  assert.equal(refused.heldBy?.pid, first.child.pid);
  const startedMs = Date.parse(refused.heldBy?.startedAt ?? "");
  assert.ok(Math.abs(Date.now() - startedMs) < 60_000, refused.heldBy?.startedAt);

  await kill(first.child);
  const mine = acquireLock(dataDir);
  assert.ok("release" in mine);
  const second = await holder(dataDir);
  assert.deepEqual((second.said as { heldBy: { pid: number } }).heldBy.pid, process.pid);
  await kill(second.child);
  mine.release();
  const third = await holder(dataDir);
  assert.deepEqual(third.said, {});
  await kill(third.child);
});

test("the same process is refused a second time, and keeps what it has", async (context) => {
  const dataDir = freshDirectory(context);
  const lock = acquireLock(dataDir);
  assert.ok("release" in lock);
  const again = acquireLock(dataDir);
  assert.ok("heldBy" in again);
  assert.equal(again.heldBy?.pid, process.pid);
  const other = await holder(dataDir);
  assert.deepEqual((other.said as { heldBy: { pid: number } }).heldBy.pid, process.pid);
  await kill(other.child);
  lock.release();
});

test("the lock's files are readable by their owner alone", (context) => {
  const dataDir = freshDirectory(context);
  const lock = acquireLock(dataDir);
  for (const name of ["lock.sqlite", "lock.json"]) {
    assert.equal(statSync(join(dataDir, name)).mode & 0o777, 0o600, name);
  }
  assert.ok("release" in lock);
  lock.release();
});
