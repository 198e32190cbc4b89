/** The watch on real files: written in place, renamed over, swapped by symlink, and gone. */
import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { watchFiles } from "../../src/config/watch.ts";

/** A folder of its own, and a count of the changes told about a file in it. */
function watching(context: TestContext, prepare: (folder: string) => string) {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-watch-"));
  const file = prepare(folder);
  const told = { changes: 0 };
  const watch = watchFiles([file], () => told.changes++);
  context.after(() => {
    watch.close();
    rmSync(folder, { recursive: true });
  });
  const until = async (count: number): Promise<void> => {
    while (told.changes < count) await sleep(20);
  };
  return { folder, file, watch, until, count: () => told.changes };
}

function plainFile(folder: string): string {
  const file = join(folder, "tollgate.yaml");
  writeFileSync(file, "mode: enforce\n");
  return file;
}

const LIMIT = { timeout: 15_000 };

test(
  "a file written in place is told once, though it was written in steps",
  LIMIT,
  async (context) => {
    const { file, until, count } = watching(context, plainFile);
    writeFileSync(file, "mode:");
    writeFileSync(file, "mode: obs");
    writeFileSync(file, "mode: observe\n");
    await until(1);
    await sleep(400);
    assert.equal(count(), 1);
  },
);

test("a file renamed over it is told, again and again", LIMIT, async (context) => {
  const { folder, file, until } = watching(context, plainFile);
  for (const round of [1, 2, 3]) {
    writeFileSync(join(folder, ".new"), `# ${round}\n`);
    renameSync(join(folder, ".new"), file);
    await until(round);
  }
});

test("a symlinked folder swapped under it is told", LIMIT, async (context) => {
  const release = (folder: string, name: string): void => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "tollgate.yaml"), "mode: enforce\n");
    symlinkSync(name, join(folder, "..next"));
    renameSync(join(folder, "..next"), join(folder, "..data"));
  };
  const { folder, until } = watching(context, (made) => {
    release(made, "..first");
    symlinkSync("..data/tollgate.yaml", join(made, "tollgate.yaml"));
    return join(made, "tollgate.yaml");
  });
  release(folder, "..second");
  await until(1);
});

test("a file that goes and comes back is told both times", LIMIT, async (context) => {
  const { file, until } = watching(context, plainFile);
  unlinkSync(file);
  await until(1);
  writeFileSync(file, "mode: observe\n");
  await until(2);
});

test("another file in the folder, or a closed watch, tells nothing", LIMIT, async (context) => {
  const { folder, file, watch, count } = watching(context, plainFile);
  writeFileSync(join(folder, "other"), "");
  await sleep(400);
  writeFileSync(file, "mode: observe\n");
  watch.close();
  await sleep(400);
  assert.equal(count(), 0);
});

test("a folder that does not exist yet is polled", LIMIT, async (context) => {
  const { file, until } = watching(context, (folder) => join(folder, "later", "tollgate.yaml"));
  mkdirSync(join(file, ".."));
  writeFileSync(file, "mode: enforce\n");
  await until(1);
});

test("of several files in several folders, each is told alone", LIMIT, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-watch-"));
  const files = ["cert", "key"].map((name) => join(folder, name, "server.pem"));
  for (const file of files) {
    mkdirSync(join(file, ".."));
    writeFileSync(file, "1");
  }
  const told = { changes: 0 };
  const watch = watchFiles(files, () => told.changes++);
  context.after(() => {
    watch.close();
    rmSync(folder, { recursive: true });
  });
  for (const [index, file] of files.entries()) {
    writeFileSync(file, "22");
    while (told.changes === index) await sleep(20);
    assert.equal(told.changes, index + 1);
  }
});
