/** Starts what is measured, each alone on the first core: nginx, Portkey's gateway, and Tollgate. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { programPath } from "../tests/harness/need.ts";
import { freePorts } from "../tests/harness/ports.ts";
import { clientHeaders, fleetConfig, FLEET_ENV } from "./fleet-config.ts";
import { PROXY_CORE, spawnOn } from "./pinning.ts";
import { installPortkey, PORTKEY } from "./portkey.ts";

/** One proxy, running. */
export interface Proxy {
  readonly name: "Tollgate" | "nginx" | "Portkey";
  readonly url: string;
  readonly pid: number;
  /** All that it has printed so far. */
  readonly printed: () => string;
  /** What a client of it sends, by session. */
  readonly headers: (session: string) => Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

/** A proxy that cannot run here, and why. */
export interface Missing {
  readonly name: Proxy["name"];
  readonly missing: string;
}

const READY_WITHIN_MS = 30_000;
const POLL_MS = 50;
const CONNECTIONS = 1024;

/** All of them, in front of the upstream; files go to `folder`. */
export async function startProxies(
  upstreamUrl: string,
  folder: string,
): Promise<(Proxy | Missing)[]> {
  return [
    await startTollgate(upstreamUrl, folder),
    await startNginx(upstreamUrl, folder),
    await startPortkey(upstreamUrl, folder),
  ];
}

/** Tollgate with journal and views, under the benchmark's six budgets and four limits. */
export async function startTollgate(
  upstreamUrl: string,
  folder: string,
  nodeArguments: readonly string[] = [],
): Promise<Proxy> {
  const [port = 0, adminPort] = await freePorts(2);
  const config = join(folder, "tollgate.yaml");
  writeFileSync(config, JSON.stringify(fleetConfig(upstreamUrl)));
  const root = join(import.meta.dirname, "..");
  const main = join(root, "src", "cli", "main.ts");
  const options = readFileSync(join(root, "bin", "node-options"), "utf8")
    .trim()
    .split(" ");
  return launch("Tollgate", {
    folder,
    command: [process.execPath, ...options, ...nodeArguments, main, "serve", "--config", config],
    port,
    env: {
      ...FLEET_ENV,
      TOLLGATE_DATA_DIR: join(folder, "data"),
      TOLLGATE_LISTEN: `127.0.0.1:${port}`,
      TOLLGATE_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
      TOLLGATE_ADMIN_TOKEN: "benchmark-admin-token",
    },
    headers: clientHeaders,
  });
}

/** nginx that passes everything on, one worker. */
export async function startNginx(upstreamUrl: string, folder: string): Promise<Proxy | Missing> {
  const nginx = programPath("nginx");
  if (nginx === null) return { name: "nginx", missing: "the Debian package nginx-light" };
  const [port = 0] = await freePorts(1);
  const prefix = join(folder, "nginx");
  mkdirSync(prefix, { recursive: true });
  const config = join(prefix, "nginx.conf");
  writeFileSync(config, nginxConfig(port, new URL(upstreamUrl).host));
  return launch("nginx", {
    folder,
    command: [nginx, "-p", prefix, "-c", config, "-e", join(prefix, "error.log")],
    port,
    env: {},
    headers: clientHeaders,
  });
}

/** Bodies are read whole before they are forwarded, as the other two do; nothing is written to disk. */
function nginxConfig(port: number, upstream: string): string {
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid nginx.pid;
error_log error.log;
events { worker_connections 8192; }
http {
  ${folders.map((name) => `${name}_temp_path ${name};`).join(" ")}
  access_log off;
  keepalive_requests 100000000;
  client_max_body_size 64m;
  client_body_buffer_size 4m;
  upstream scripted { server ${upstream}; keepalive ${CONNECTIONS}; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://scripted;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }
  }
}
`;
}

async function startPortkey(upstreamUrl: string, folder: string): Promise<Proxy | Missing> {
  const installed = await installPortkey();
  if ("missing" in installed) return { name: "Portkey", missing: installed.missing };
  const [port = 0] = await freePorts(1);
  return launch("Portkey", {
    folder,
    command: [process.execPath, installed.entry, `--port=${port}`, "--headless"],
    port,
    env: { TRUSTED_CUSTOM_HOSTS: "127.0.0.1", NODE_ENV: "production" },
    headers: (session) => ({
      ...clientHeaders(session),
      "x-portkey-provider": PORTKEY.provider,
      "x-portkey-custom-host": `${upstreamUrl}/v1`,
    }),
  });
}

async function launch(
  name: Proxy["name"],
  how: {
    /** What it prints goes to a file here. */
    readonly folder: string;
    readonly command: readonly string[];
    readonly port: number;
    readonly env: Readonly<Record<string, string>>;
    readonly headers: Proxy["headers"];
  },
): Promise<Proxy> {
  const logFile = join(how.folder, `${name}.log`);
  const log = openSync(logFile, "a");
  const child = spawnOn(PROXY_CORE, how.command, {
    env: { PATH: process.env["PATH"] ?? "", ...how.env },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  await untilListening(name, child, how.port).catch((cause: unknown) => {
    throw new Error(`${String(cause)}:\n${readFileSync(logFile, "utf8")}`, { cause });
  });
  return {
    name,
    url: `http://127.0.0.1:${how.port}`,
    pid: child.pid ?? 0,
    printed: () => readFileSync(logFile, "utf8"),
    headers: how.headers,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, "close");
      // At once: nothing of what runs here has to be drained.
      child.kill(name === "nginx" ? "SIGTERM" : "SIGKILL");
      await closed;
    },
  };
}

async function untilListening(name: string, child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${name} ended with code ${child.exitCode}`);
    if (await accepts(port)) return;
    await delay(POLL_MS);
  }
  child.kill("SIGKILL");
  throw new Error(`${name} did not listen within ${READY_WITHIN_MS} ms`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
