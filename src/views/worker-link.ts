/** Keeps the views' worker running: starts it, starts it again when it dies, and carries questions. */
import { systemClock } from "../core/time.ts";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type {
  FromWorker,
  Question,
  QuestionName,
  Questions,
  ToWorker,
  WorkerSetup,
} from "./protocol.ts";

/** Thrown where the views cannot answer now. The data plane does not need them. */
export class ViewsUnavailable extends Error {
  override readonly name = "ViewsUnavailable";
}

export interface WorkerLink {
  /** Lets the worker read the journal up to a line. */
  readonly advance: (untilSeq: number) => void;
  /** Rejects with `ViewsUnavailable` where the question failed or the worker died. */
  readonly ask: <Name extends QuestionName>(
    name: Name,
    ask: Questions[Name]["ask"],
  ) => Promise<Questions[Name]["answer"]>;
  /** Ends the worker after what it is doing. */
  readonly close: () => Promise<void>;
}

export interface LinkEvents {
  readonly onMessage: (message: Exclude<FromWorker, { kind: "answer" | "failed" }>) => void;
  /** The worker has died and is started again after a pause. */
  readonly onDeath: (reason: string) => void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** A worker that lived this long had not died of its start. */
const HEALTHY_MS = 60_000;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (cause: ViewsUnavailable) => void;
}

interface Link {
  readonly setup: WorkerSetup;
  readonly events: LinkEvents;
  readonly waiting: Map<number, Waiting>;
  worker: Worker | null;
  state: "open" | "closed";
  untilSeq: number;
  lastId: number;
  pauseMs: number;
  startedMs: number;
  restart: NodeJS.Timeout | null;
}

/** Starts the worker; what it says goes to `events`. */
export function linkWorker(setup: WorkerSetup, events: LinkEvents): WorkerLink {
  const link: Link = {
    setup,
    events,
    waiting: new Map(),
    worker: null,
    state: "open",
    untilSeq: 0,
    lastId: 0,
    pauseMs: FIRST_PAUSE_MS,
    startedMs: 0,
    restart: null,
  };
  start(link);
  return {
    advance: (untilSeq) => {
      link.untilSeq = Math.max(link.untilSeq, untilSeq);
      tell(link, { kind: "advance", untilSeq: link.untilSeq });
    },
    ask: (name, question) => {
      const answer = ask(link, { name, ask: question } as Question);
      return answer as Promise<Questions[typeof name]["answer"]>;
    },
    close: () => close(link),
  };
}

function start(link: Link): void {
  link.restart = null;
  link.startedMs = systemClock.monotonicMs();
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    workerData: link.setup,
    name: "views",
  });
  link.worker = worker;
  let reason = "it ended";
  worker.on("message", (message: FromWorker) => receive(link, message));
  worker.on("error", (cause) => {
    reason = cause instanceof Error ? cause.message : String(cause);
  });
  worker.on("exit", () => died(link, reason));
  if (link.untilSeq > 0) tell(link, { kind: "advance", untilSeq: link.untilSeq });
}

function tell(link: Link, message: ToWorker): void {
  link.worker?.postMessage(message);
}

function receive(link: Link, message: FromWorker): void {
  if (message.kind !== "answer" && message.kind !== "failed") {
    link.events.onMessage(message);
    return;
  }
  const waiting = link.waiting.get(message.id);
  link.waiting.delete(message.id);
  if (message.kind === "answer") waiting?.resolve(message.answer);
  else waiting?.reject(new ViewsUnavailable(message.message));
}

function died(link: Link, reason: string): void {
  link.worker = null;
  const unavailable = new ViewsUnavailable(`the views' worker ended: ${reason}`);
  for (const waiting of link.waiting.values()) waiting.reject(unavailable);
  link.waiting.clear();
  if (link.state === "closed") return;
  if (systemClock.monotonicMs() - link.startedMs > HEALTHY_MS) link.pauseMs = FIRST_PAUSE_MS;
  link.restart = setTimeout(() => start(link), link.pauseMs);
  link.pauseMs = Math.min(link.pauseMs * 4, LONGEST_PAUSE_MS);
  link.events.onDeath(reason);
}

async function ask(link: Link, question: Question): Promise<unknown> {
  if (link.worker === null) throw new ViewsUnavailable("the views' worker is not running");
  const id = ++link.lastId;
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  link.waiting.set(id, { resolve, reject });
  tell(link, { kind: "question", id, question });
  return promise;
}

async function close(link: Link): Promise<void> {
  link.state = "closed";
  if (link.restart !== null) clearTimeout(link.restart);
  const { worker } = link;
  if (worker === null) return;
  const exited = once(worker, "exit");
  tell(link, { kind: "question", id: 0, question: { name: "close", ask: null } });
  await exited;
}
