/** Short records and a fresh data directory for the journal's tests. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { RequestId } from "../../src/core/ids.ts";
import type { Clock } from "../../src/core/time.ts";
import type { JournalFault } from "../../src/journal/health.ts";
import { listSegments, segmentPath } from "../../src/journal/layout.ts";
import { openJournal } from "../../src/journal/open.ts";
import type { OpenedJournal, OpenOptions } from "../../src/journal/open.ts";
import type { CancelRecord, RefuseRecord, WrittenRecord } from "../../src/journal/record.ts";

export const NODE = "nTest0001";
export const TIME = "2026-11-03T10:00:00.000Z";
export const TIME_MS = Date.parse(TIME);

/** Stands still, so that lines are the same in every run. */
export const stillClock: Clock = { wallMs: () => TIME_MS, monotonicMs: () => 0 };

/** The shortest record that names a request; used for intents and outcomes alike. */
export function cancel(request: string, time = TIME): CancelRecord {
  return { type: "cancel", time, request: request as RequestId, attempt: 1, reason: "tëst" };
}

export function refuse(request: string): RefuseRecord {
  return {
    type: "refuse",
    time: TIME,
    request: request as RequestId,
    code: "journal_unavailable",
    message: "no",
    max_tokens: null,
    waited_ms: 0,
    attempts: 0,
    customer: null,
    team: null,
    owner: null,
    virtual_key: null,
    session: null,
    agent: null,
    parent_agent: null,
    task_type: "main",
    dialect: "anthropic",
    requested_model: null,
    end: { outcome: "refused", status: 503, latency_ms: 1, first_byte_ms: 1, overhead_us: 1 },
  };
}

/** A directory that is removed when the test ends. */
export function freshDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "tollgate-journal-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface TestJournal extends OpenedJournal {
  readonly faults: readonly JournalFault[];
}

export async function openTest(
  dataDir: string,
  options: Partial<OpenOptions> = {},
): Promise<TestJournal> {
  const faults: JournalFault[] = [];
  const opened = await openJournal({
    dataDir,
    node: NODE,
    durability: "os",
    segmentBytes: 1 << 20,
    reserveBytes: 8192,
    clock: stillClock,
    onFault: (fault) => faults.push(fault),
    ...options,
  });
  return { ...opened, faults };
}

/** Every record in the files, without looking at chain or number. */
export function recordsIn(directory: string): WrittenRecord[] {
  return linesIn(directory).map((line) => JSON.parse(line) as WrittenRecord);
}

export function linesIn(directory: string): string[] {
  return listSegments(directory).flatMap((segment) =>
    readFileSync(segmentPath(directory, segment), "utf8").split("\n").slice(0, -1),
  );
}

/** Names of the requests that records speak of, in order. */
export function requestsIn(directory: string): string[] {
  return recordsIn(directory).flatMap((record) => ("request" in record ? [record.request] : []));
}

/** Resolves after the writer's turn that a record queued now will be written in. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
}

export async function until(claim: () => boolean): Promise<void> {
  while (!claim()) {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
