/** Runs the real gateway as a child process, and asks it questions as a user would. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "./ports.ts";
import { send } from "./raw-request.ts";

export interface GatewayOptions {
  /** The configuration as an object (JSON is YAML) or as the file's text. */
  readonly config: object | string;
  readonly env?: Readonly<Record<string, string>>;
  /** For the Node that runs `serve`: `--import` and the like. */
  readonly nodeArguments?: readonly string[];
  /** Where `config` has `server.tls`: the authorities, in PEM form, that its certificates come from. */
  readonly tlsCa?: string;
}

/** A row of `GET /api/v1/requests`, as far as tests read it. */
export interface RequestRow {
  readonly id: string;
  readonly customer: string | null;
  readonly team: string | null;
  readonly owner: string | null;
  readonly virtual_key: string | null;
  readonly session: string | null;
  readonly agent: string | null;
  readonly task_type: string;
  readonly model: string | null;
  readonly status: number | null;
  readonly outcome: string | null;
  readonly estimated: boolean;
  readonly refusal: string | null;
  readonly cost_usd: string;
  readonly usage: Readonly<Record<string, number>>;
  readonly [field: string]: unknown;
}

/** An entry of `GET /api/v1/budgets`. */
export interface BudgetRow {
  readonly id: string;
  readonly scope: { readonly type: string; readonly id: string };
  readonly limit_usd: string;
  readonly per: string;
  readonly settled_usd: string;
  readonly held_usd: string;
  readonly remaining_usd: string;
}

/** How a command of the CLI ended. */
interface CommandEnd {
  readonly code: number | null;
  readonly output: string;
}

export interface Gateway {
  /** The data plane: "http://127.0.0.1:PORT", or https. */
  readonly url: string;
  readonly adminUrl: string;
  readonly adminToken: string;
  readonly dataDir: string;
  readonly configFile: string;
  /** The running process; another one after `restart`. */
  readonly process: () => ChildProcess;
  /** All that the processes have printed so far. */
  readonly logs: () => string;
  /** GET of the control API: the parsed body; throws where the status is not 2xx. */
  readonly api: (path: string) => Promise<unknown>;
  /** All request rows, newest first, once `done` says that they are complete (default: at once). */
  readonly rows: (done?: (rows: readonly RequestRow[]) => boolean) => Promise<RequestRow[]>;
  readonly budgets: () => Promise<BudgetRow[]>;
  /** Runs the CLI to its end with the gateway's environment. */
  readonly cli: (...args: readonly string[]) => Promise<CommandEnd>;
  /** SIGTERM, then waits for the exit code. */
  readonly stop: () => Promise<number | null>;
  /** SIGKILL, then waits for the end. */
  readonly kill9: () => Promise<void>;
  /** Starts it again on the same data, ports and configuration. */
  readonly restart: () => Promise<void>;
  /** Kills what still runs and removes the temporary folder. */
  readonly dispose: () => Promise<void>;
}

const ROOT = join(import.meta.dirname, "..", "..");
const CLI = join(ROOT, "src", "cli", "main.ts");
const PINNED_NODE = join(ROOT, "node_modules", `node-linux-${process.arch}`, "bin", "node");
const READY_WITHIN_MS = 20_000;
const ROWS_WITHIN_MS = 15_000;
/** A view may be that far behind the journal. */
const VIEW_LAG_MS = 1000;
const POLL_MS = 25;
const PAGE_ROWS = 500;
const ADMIN_TOKEN = "test-admin-token-0123456789abcdef";

/** Starts a gateway in a temporary folder; throws with its output where it does not become ready. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), "tollgate-test-"));
  const dataDir = join(folder, "data");
  const configFile = join(folder, "tollgate.yaml");
  const { config } = options;
  await writeFile(
    configFile,
    typeof config === "string" ? config : JSON.stringify(config, null, 2),
  );
  const [port, adminPort] = await freePorts(2);
  const env = {
    ...inheritedEnv(),
    TOLLGATE_DATA_DIR: dataDir,
    TOLLGATE_LISTEN: `127.0.0.1:${port}`,
    TOLLGATE_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
    TOLLGATE_ADMIN_TOKEN: ADMIN_TOKEN,
    TOLLGATE_ADMIN_URL: `http://127.0.0.1:${adminPort}`,
    ...options.env,
  };
  const { tlsCa } = options;
  const url = `${tlsCa === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  const output: string[] = [];
  const launch = async (): Promise<ChildProcess> => {
    const script = [...(options.nodeArguments ?? []), CLI];
    const launched = run([...script, "serve", "--config", configFile], env, folder);
    collect(launched, output);
    await untilReady(launched, { url, tlsCa }, () => output.join(""));
    return launched;
  };
  let child = await launch();

  return {
    ...controlOf(adminUrl),
    url,
    dataDir,
    configFile,
    process: () => child,
    logs: () => output.join(""),
    cli: (...args) => runToEnd(args, env, folder),
    stop: () => end(child, "SIGTERM"),
    kill9: async () => void (await end(child, "SIGKILL")),
    restart: async () => {
      child = await launch();
    },
    dispose: async () => {
      await end(child, "SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What a gateway's control API is asked, wherever that gateway runs. */
export function controlOf(
  adminUrl: string,
): Pick<Gateway, "adminUrl" | "adminToken" | "api" | "rows" | "budgets"> {
  const api = (path: string): Promise<unknown> => getJson(`${adminUrl}${path}`);
  return {
    adminUrl,
    adminToken: ADMIN_TOKEN,
    api,
    rows: (done) => rowsOnce(api, done ?? (() => true)),
    budgets: () => allPages<BudgetRow>(api, "/api/v1/budgets"),
  };
}

/** Waits until `claim` holds, asking again and again; throws with `what` where it never does. */
export async function until(
  what: string,
  claim: () => boolean | Promise<boolean>,
  withinMs = ROWS_WITHIN_MS,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await claim())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await delay(POLL_MS);
  }
}

/** All rows once no request is open, nothing is held, and the view has had its second to follow. */
export async function settledRows(gateway: Gateway): Promise<RequestRow[]> {
  await until("nothing is held", async () =>
    (await gateway.budgets()).every((budget) => /^0(\.0+)?$/.test(budget.held_usd)),
  );
  let [count, sinceMs] = [-1, 0];
  return gateway.rows((rows) => {
    if (rows.length !== count) [count, sinceMs] = [rows.length, performance.now()];
    const isQuiet = performance.now() - sinceMs > VIEW_LAG_MS;
    return isQuiet && rows.every((row) => row.outcome !== null);
  });
}

function run(args: readonly string[], env: Record<string, string>, cwd: string): ChildProcess {
  const node = existsSync(PINNED_NODE) ? PINNED_NODE : process.execPath;
  return spawn(node, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
}

async function runToEnd(
  args: readonly string[],
  env: Record<string, string>,
  cwd: string,
): Promise<CommandEnd> {
  const output: string[] = [];
  const child = run([CLI, ...args], env, cwd);
  collect(child, output);
  await once(child, "close");
  return { code: child.exitCode, output: output.join("") };
}

async function untilReady(
  child: ChildProcess,
  { url, tlsCa }: { readonly url: string; readonly tlsCa: string | undefined },
  logs: () => string,
): Promise<void> {
  const ca = tlsCa === undefined ? {} : { ca: tlsCa };
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const asking = send(url, { method: "GET", path: "/health/ready", ...ca });
    const ready = await asking.catch(() => null);
    if (ready?.status === 200) return;
    await delay(POLL_MS);
  }
  await end(child, "SIGKILL");
  throw new Error(`the gateway did not become ready:\n${logs()}`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const closed = once(child, "close");
    child.kill(signal);
    await closed;
  }
  return child.exitCode;
}

function collect(child: ChildProcess, output: string[]): void {
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => output.push(chunk));
  }
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  const body = await response.text();
  if (!response.ok) throw new Error(`GET ${url}: ${response.status} ${body}`);
  return JSON.parse(body);
}

async function rowsOnce(
  api: Gateway["api"],
  done: (rows: readonly RequestRow[]) => boolean,
): Promise<RequestRow[]> {
  let rows: RequestRow[] = [];
  const deadline = performance.now() + ROWS_WITHIN_MS;
  do {
    rows = await allPages<RequestRow>(api, "/api/v1/requests");
    if (done(rows)) return rows;
    await delay(POLL_MS);
  } while (performance.now() < deadline);
  throw new Error(
    `the rows never became what was expected; at last: ${JSON.stringify(rows, null, 1)}`,
  );
}

async function allPages<Row>(api: Gateway["api"], path: string): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  do {
    const after = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await api(`${path}?limit=${PAGE_ROWS}${after}`)) as {
      data: Row[];
      next_cursor: string | null;
    };
    rows.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return rows;
}

/** The machine's own settings must not leak into a gateway under test. */
function inheritedEnv(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(TOLLGATE|ANTHROPIC|CLAUDE|NODE_TEST)|proxy$/i.test(name),
  );
  return Object.fromEntries(kept) as Record<string, string>;
}
