/** Keeps the views behind the journal from the main thread: tells, retries, waits, and reports. */
import type { Clock } from "../core/time.ts";
import type { Position } from "../journal/position.ts";
import { createLag } from "./lag.ts";
import type { FromWorker, WorkerSetup } from "./protocol.ts";
import { createWaiters } from "./waiters.ts";
import { linkWorker, ViewsUnavailable } from "./worker-link.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface ViewsLog {
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void;
}

export interface ViewsStatus {
  /** Number of the last line that is in the views. */
  readonly appliedSeq: number;
  /** Behind that line; null before the first. The journal may not be retired beyond it. */
  readonly position: Position | null;
  /** How long the oldest line that was told of and is not in the views waits; 0: none does. */
  readonly lagMs: number;
  /** Lines left out since the views were begun: of unknown types, malformed, or about nothing. */
  readonly skipped: number;
  /** How often in a row the views have failed to advance, and why; 0 and null while they do. */
  readonly failures: number;
  readonly error: string | null;
}

export interface Follower {
  /** Resolves when the worker has opened the views, or has failed to. */
  readonly ready: Promise<void>;
  readonly notify: (writtenSeq: number) => void;
  /** The last line told of; null where none was. */
  readonly writtenSeq: () => number | null;
  /** Resolves when lines up to `seq` are applied; "soon" gives up after some seconds. */
  readonly reach: (seq: number, patience: "soon" | "at_last") => Promise<void>;
  readonly ask: WorkerLink["ask"];
  readonly status: () => ViewsStatus;
  readonly close: () => Promise<void>;
}

const COALESCE_MS = 100;
const PATIENCE_MS = { soon: 10_000, at_last: Number.POSITIVE_INFINITY };
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 30_000;

type Report = Exclude<FromWorker, { kind: "answer" | "failed" }>;

/** Starts the worker of `setup` and follows what `notify` tells. */
export function createFollower(setup: WorkerSetup, log: ViewsLog, clock: Clock): Follower {
  const lag = createLag(clock);
  const waiters = createWaiters();
  const ready = Promise.withResolvers<void>();
  const health = { skipped: 0, failures: 0, error: null as string | null };
  let position: Position | null = null;
  let writtenSeq = 0;
  let timer: NodeJS.Timeout | null = null;

  const link = linkWorker(setup, {
    onMessage: receive,
    onDeath: (reason) => {
      // The next worker tells where it begins.
      position = null;
      failed(`the worker ended: ${reason}`);
    },
  });

  const appliedSeq = () => position?.seq ?? 0;

  function receive(report: Report): void {
    if (report.kind === "stuck") return failed(report.message);
    if (report.kind === "warning") return log.warn({ applied_seq: appliedSeq() }, report.message);
    const advanced = (report.position?.seq ?? 0) > appliedSeq();
    if (advanced) Object.assign(health, { failures: 0, error: null });
    position = report.position;
    health.skipped = report.skipped;
    lag.applied(appliedSeq());
    waiters.applied(appliedSeq());
    ready.resolve();
  }

  function failed(reason: string): void {
    health.failures++;
    health.error = reason;
    log.warn({ failures: health.failures, applied_seq: appliedSeq() }, `views: ${reason}`);
    waiters.fail(new ViewsUnavailable(reason));
    if (timer !== null) clearTimeout(timer);
    const retryMs = FIRST_RETRY_MS * 2 ** (health.failures - 1);
    timer = setTimeout(advance, Math.min(retryMs, LONGEST_RETRY_MS));
    ready.resolve();
  }

  function advance(): void {
    timer = null;
    link.advance(writtenSeq);
  }

  function notify(seq: number): void {
    if (seq <= writtenSeq) return;
    writtenSeq = seq;
    lag.written(seq);
    timer ??= setTimeout(advance, COALESCE_MS);
  }

  async function reach(seq: number, patience: "soon" | "at_last"): Promise<void> {
    if (appliedSeq() >= seq) return;
    notify(seq);
    link.advance(writtenSeq);
    await waiters.wait(seq, PATIENCE_MS[patience]);
  }

  async function close(): Promise<void> {
    if (timer !== null) clearTimeout(timer);
    waiters.fail(new ViewsUnavailable("the views are closed"));
    await link.close();
  }

  return {
    ready: ready.promise,
    notify,
    writtenSeq: () => (writtenSeq === 0 ? null : writtenSeq),
    reach,
    ask: link.ask,
    status: () => ({ appliedSeq: appliedSeq(), position, lagMs: lag.ms(), ...health }),
    close,
  };
}
