/** While one segment follows another, lines wait to be written; nobody may ask the views for them meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { loadConfig } from "../../src/config/load.ts";
import type { NanoUsd } from "../../src/core/money.ts";
import { Hasher } from "../../src/identity/key-ring.ts";
import { nodeFiles, type FileLayer } from "../../src/journal/file-layer.ts";
import { listSegments } from "../../src/journal/layout.ts";
import { configure } from "../../src/node/configure.ts";
import { emptyState } from "../../src/node/state.ts";
import { cancel, freshDirectory, openTest, TIME_MS } from "../journal/records.ts";

/** Time enough for a question that comes too early. */
const EARLY_MS = 30;

/** The real disk, whose syncs take as long as the test says. */
class SlowFiles {
  #released: Promise<void> = Promise.resolve();

  readonly layer: FileLayer = {
    ...nodeFiles,
    sync: async (descriptor) => {
      await this.#released;
      await nodeFiles.sync(descriptor);
    },
  };

  /** Syncs from now on wait for the returned function's call. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#released = promise;
    return resolve;
  }
}

function configWithBudget() {
  const loaded = loadConfig({
    file: "tollgate.yaml",
    environment: {},
    knownKinds: ["rehearsal"],
    readFile: () => "customers: [{ id: c, budgets: [{ usd: 10, per: month }] }]\n",
  });
  assert.ok(loaded.ok);
  return loaded.config;
}

test("a budget that is added while a segment ends begins with what the written lines say", async (context) => {
  const files = new SlowFiles();
  const { journal, directory } = await openTest(freshDirectory(context), {
    files: files.layer,
    segmentBytes: 1,
  });
  await journal.intent(cancel("fills the first segment"));
  const release = files.hold();
  journal.outcome(cancel("goes into the second"));
  const asked: { readonly upto: number; readonly written: number }[] = [];
  const noteAsked = (upto: number): void =>
    void asked.push({ upto, written: journal.writtenSeq() });
  const state = emptyState();
  // Another configuration was in force before: what this one adds may have spent already.
  state.fold.digest = "before";
  const configured = configure({
    config: configWithBudget(),
    digest: "now",
    state,
    journal,
    hasher: new Hasher(Buffer.alloc(32)),
    nowMs: () => TIME_MS,
    history: {
      spent: async ({ uptoSeq }) => {
        noteAsked(uptoSeq);
        return 7n as NanoUsd;
      },
      spenders: async (uptoSeq) => {
        noteAsked(uptoSeq);
        return new Set();
      },
      sessions: async () => [],
    },
  });
  await delay(EARLY_MS);
  assert.deepEqual(asked, [], "the second line is not written yet");
  release();
  await configured;
  await journal.close();
  assert.ok(asked.length > 0);
  for (const { upto, written } of asked) assert.ok(upto === 2 && written >= upto);
  assert.deepEqual(listSegments(directory), [1, 2, 3]);
  assert.deepEqual(
    [...state.fold.ledger.windows()].map(({ settled }) => settled),
    [7n],
  );
});
