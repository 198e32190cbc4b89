/** A gateway that can be made to die at a chosen call, its upstream, and what its books must say after. */
import { cpSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGateway, until, type Gateway } from "../harness/gateway.ts";
import { text, type MessageAnswer } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { Books } from "./books.ts";
import { FAULTS_VARIABLE, FaultDesk, type Faults } from "./faults.ts";
import { addedLimit, configOf, LIFE_ENV, type LifeConfig } from "./life-config.ts";

/** Of a gateway's Node: its file calls are guarded, and a short life collects no garbage. */
export const NODE_ARGUMENTS: readonly string[] = [
  "--max-semi-space-size=32",
  "--import",
  join(import.meta.dirname, "fault-points.ts"),
];
/** Most of a start is compiling the same sources again. */
export const COMPILED = join(tmpdir(), "tollgate-crash-compiled");
/** Of bodies of some 116 bytes, for which the upstream counts a quarter of that. */
const TOKENS = { input_tokens: 20, cache_read_input_tokens: 9, output_tokens: 40 };

export interface LifeOptions extends LifeConfig {
  /** Where the gateway finds its provider; default: the upstream itself. */
  readonly providerUrl?: (upstreamUrl: string) => Promise<string>;
  /** Of the first start. */
  readonly clockOffsetMs?: number;
}

interface Parts {
  readonly upstream: Upstream;
  readonly gateway: Gateway;
  readonly desk: FaultDesk;
  readonly folder: string;
  readonly config: (reloads: number) => object;
}

/** An answer of `words` words, an event each `eventDelayMs`. */
export function soundAnswer(words = 10, eventDelayMs = 1): MessageAnswer {
  return { ...text("word ".repeat(words), TOKENS), delivery: { eventDelayMs } };
}

/** Starts a gateway whose file calls are guarded. */
export async function startLife(options: LifeOptions = {}): Promise<Life> {
  const folder = await mkdtemp(join(tmpdir(), "tollgate-crash-"));
  const desk = new FaultDesk(join(folder, "faults.json"));
  desk.set({ clockOffsetMs: options.clockOffsetMs ?? 0 });
  const upstream = await startUpstream(() => soundAnswer());
  const providerUrl = (await options.providerUrl?.(upstream.url)) ?? upstream.url;
  const config = (reloads: number): object => configOf(providerUrl, reloads, options);
  const gateway = await startGateway({
    config: config(0),
    env: { ...LIFE_ENV, [FAULTS_VARIABLE]: desk.path, NODE_COMPILE_CACHE: COMPILED },
    nodeArguments: NODE_ARGUMENTS,
  });
  return new Life({ upstream, gateway, desk, folder, config });
}

/** One data directory with all processes that have it in turn. */
export class Life {
  readonly upstream: Upstream;
  readonly gateway: Gateway;
  readonly desk: FaultDesk;
  readonly books: Books;
  readonly #parts: Parts;
  #reloads = 0;
  #sessions = 0;
  #putBooksBack: () => void = () => undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.upstream = parts.upstream;
    this.gateway = parts.gateway;
    this.desk = parts.desk;
    this.books = new Books(parts.gateway, parts.upstream);
  }

  /** A session that no request has had yet. */
  session(kind: string): string {
    this.#sessions += 1;
    return `${kind}-${this.#sessions}`;
  }

  /** Writes a configuration whose team has another added budget. */
  configure(): void {
    this.#reloads += 1;
    const { configFile } = this.gateway;
    writeFileSync(`${configFile}.next`, JSON.stringify(this.#parts.config(this.#reloads)));
    renameSync(`${configFile}.next`, configFile);
  }

  /** Has such a configuration loaded by SIGHUP. */
  async reload(): Promise<void> {
    this.configure();
    this.gateway.process().kill("SIGHUP");
    await until("the budget is there, or the process gone", async () => {
      if (isDead(this.gateway)) return true;
      const budgets = await this.gateway.budgets().catch(() => []);
      return budgets.some((budget) => budget.limit_usd === addedLimit(this.#reloads));
    });
  }

  /** Resolves once the process is gone; false where it still runs then. */
  isDeadWithin(ms: number): Promise<boolean> {
    return isDeadWithin(this.gateway, ms);
  }

  /** Starts the process on the data that is there. False where the fault killed it before it was ready. */
  async start(): Promise<boolean> {
    try {
      await this.gateway.restart();
      return true;
    } catch (cause) {
      if (this.desk.fired()) return false;
      throw cause;
    }
  }

  /**
   * Sets a fault, does what leads to it, and makes sure that the process is gone.
   *
   * @returns whether it died of the fault; else it was killed in the end.
   */
  async dieOf(faults: Omit<Faults, "id">, lead: () => Promise<unknown>): Promise<boolean> {
    this.desk.set(faults);
    await lead();
    await this.gateway.kill9();
    await until("the upstream has noticed", () => this.upstream.inFlight() === 0);
    const fired = this.desk.fired();
    this.desk.set({});
    return fired;
  }

  /** Keeps the data directory of a process that is gone, and what its books say. */
  keep(): void {
    cpSync(this.gateway.dataDir, this.#kept, { recursive: true });
    this.#putBooksBack = this.books.keep();
  }

  /** Puts the kept data directory back; nothing of later is known any more. */
  putBack(): void {
    rmSync(this.gateway.dataDir, { recursive: true });
    cpSync(this.#kept, this.gateway.dataDir, { recursive: true });
    this.#putBooksBack();
  }

  get #kept(): string {
    return join(this.#parts.folder, "kept");
  }

  /** Removes files of the data directory while no process has it. */
  remove(...names: readonly string[]): void {
    const { dataDir } = this.gateway;
    for (const name of names) rmSync(join(dataDir, name), { recursive: true, force: true });
  }

  removeViews(): void {
    this.remove("views.sqlite-wal", "views.sqlite-shm", "views.sqlite");
  }

  removeAll(): void {
    this.remove(...readdirSync(this.gateway.dataDir));
  }

  async dispose(): Promise<void> {
    await this.gateway.dispose();
    await this.upstream.stop();
    await rm(this.#parts.folder, { recursive: true, force: true });
  }
}

/** Resolves once its process is gone; false where it still runs then. */
export async function isDeadWithin(gateway: Gateway, ms: number): Promise<boolean> {
  if (isDead(gateway)) return true;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), ms);
  const closed = once(gateway.process(), "close", { signal: patience.signal });
  await closed.catch(() => undefined);
  clearTimeout(timer);
  return isDead(gateway);
}

function isDead(gateway: Gateway): boolean {
  const { exitCode, signalCode } = gateway.process();
  return exitCode !== null || signalCode !== null;
}
