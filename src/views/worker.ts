/** The views' thread: applies the journal and answers questions in turn, one thing at a time. */
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "../core/invariant.ts";
import { JournalCorrupt } from "../journal/corrupt.ts";
import { isCorrupt, isFileFault } from "../store/sqlite.ts";
import { createProjector, JournalMismatch } from "./projector.ts";
import type { FromWorker, Question, ToWorker, WorkerSetup } from "./protocol.ts";
import { listRequests, showRequest } from "./requests.ts";
import { shadowReport } from "./shadow.ts";
import { listSpenders, sumSpent, sumSpentBySession } from "./spent.ts";
import { sumUsage } from "./usage.ts";

invariant(parentPort !== null, "the views run in a worker thread");
const port = parentPort;
const setup = workerData as WorkerSetup;

const say = (message: FromWorker): void => port.postMessage(message);
const projector = createProjector({
  ...setup,
  warn: (message) => say({ kind: "warning", message }),
});

/** The last line that may be read. */
let untilSeq = 0;
let advance: "on" | "stuck" = "on";
/** Beginning anew heals what a first failure shows, but not what the journal itself lacks. */
let healing: "not_tried" | "tried" = "not_tried";
/** After the views were begun anew: up to where they had been. */
let anewUntilSeq = 0;
const questions: { readonly id: number; readonly question: Question }[] = [];
const wake = new EventTarget();

port.on("message", (message: ToWorker) => {
  if (message.kind === "advance") {
    untilSeq = Math.max(untilSeq, message.untilSeq);
    advance = "on";
  } else {
    questions.push(message);
  }
  wake.dispatchEvent(new Event("message"));
});

sayApplied();
await work();

async function work(): Promise<void> {
  for (;;) {
    const next = nextQuestion();
    if (next?.question.name === "close") {
      projector.close();
      say({ kind: "answer", id: next.id, answer: null });
      port.close();
      return;
    }
    if (next !== undefined) await answer(next.id, next.question);
    const behind = advance === "on" && appliedSeq() < untilSeq;
    if (behind) step();
    // Messages are received between turns only.
    if (behind) await setImmediate();
    else if (questions.length === 0) await once(wake, "message");
  }
}

/** Whoever asked while the views held everything is not answered from half of it. */
function nextQuestion(): (typeof questions)[number] | undefined {
  const halfFull = advance === "on" && appliedSeq() < anewUntilSeq;
  if (!halfFull) return questions.shift();
  const close = questions.findIndex(({ question }) => question.name === "close");
  return close === -1 ? undefined : questions.splice(close, 1)[0];
}

function appliedSeq(): number {
  return projector.position()?.seq ?? 0;
}

function step(): void {
  try {
    if (projector.step(untilSeq) === "done") healing = "not_tried";
    sayApplied();
  } catch (cause) {
    if (healing === "not_tried" && isHealable(cause)) {
      healing = "tried";
      beginAnew(cause);
      return;
    }
    advance = "stuck";
    say({ kind: "stuck", message: textOf(cause) });
  }
}

function beginAnew(cause: unknown): void {
  say({ kind: "warning", message: `the views are rebuilt from the journal: ${textOf(cause)}` });
  anewUntilSeq = appliedSeq();
  untilSeq = Math.max(untilSeq, anewUntilSeq);
  projector.restart();
  sayApplied();
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function isHealable(cause: unknown): boolean {
  return isFileFault(cause) || cause instanceof JournalCorrupt || cause instanceof JournalMismatch;
}

function sayApplied(): void {
  say({ kind: "applied", position: projector.position(), skipped: projector.skipped() });
}

async function answer(id: number, question: Question): Promise<void> {
  try {
    say({ kind: "answer", id, answer: await resultOf(question) });
  } catch (cause) {
    say({ kind: "failed", id, message: textOf(cause) });
    if (isCorrupt(cause)) beginAnew(cause);
    // Views that could be closed but not begun anew: the next worker tries.
    if (!projector.isOpen()) throw cause;
  }
}

async function resultOf(question: Question): Promise<unknown> {
  switch (question.name) {
    case "requests":
      return listRequests(projector.db(), question.ask);
    case "request":
      return showRequest(projector.db(), question.ask);
    case "usage":
      return sumUsage(projector.db(), question.ask);
    case "shadow":
      return shadowReport(projector.db(), question.ask);
    case "spentSince":
      return sumSpent(projector.db(), question.ask);
    case "spentBySession":
      return sumSpentBySession(projector.db(), question.ask);
    case "spenders":
      return listSpenders(projector.db());
    case "prune":
      return projector.prune(question.ask.beforeMs);
    case "rebuild":
      return rebuild(question.ask.untilSeq);
    case "close":
      return null;
  }
}

async function rebuild(lastSeq: number): Promise<null> {
  advance = "on";
  projector.restart();
  while (projector.step(lastSeq) === "behind") {
    sayApplied();
    await setImmediate();
  }
  sayApplied();
  return null;
}
