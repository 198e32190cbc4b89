/** Several gateways in one process, each with its own data directory and upstream: one SIGKILL ends them all. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { controlOf, startGateway, until, type Gateway } from "../harness/gateway.ts";
import { send } from "../harness/raw-request.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { Books } from "./books.ts";
import { FAULTS_VARIABLE, FaultDesk } from "./faults.ts";
import { COMPILED, isDeadWithin, NODE_ARGUMENTS, soundAnswer } from "./life.ts";
import { configOf, LIFE_ENV } from "./life-config.ts";
import { TENANTS_VARIABLE, tenantDirectory, type TenantPlace } from "./tenant-place.ts";

const TENANTS = join(import.meta.dirname, "tenants.ts");

/** Below what systems give to outgoing connections. */
const PORTS = { first: 12_000, last: 32_000 } as const;
/** Of the logs, what a failed start shows. */
const LOG_END = 10_000;

/** One of the gateways. */
export interface Tenant {
  readonly gateway: Pick<
    Gateway,
    "url" | "adminUrl" | "adminToken" | "dataDir" | "api" | "rows" | "budgets"
  >;
  readonly upstream: Upstream;
  readonly books: Books;
  /** A session that no request has had yet. */
  readonly session: (kind: string) => string;
}

/** Starts `size` gateways in one process whose file calls are guarded. */
export async function startHouse(size: number): Promise<House> {
  const folder = await mkdtemp(join(tmpdir(), "tollgate-house-"));
  const desk = new FaultDesk(join(folder, "faults.json"));
  const upstreams = await Promise.all(
    Array.from({ length: size }, () => startUpstream(() => soundAnswer())),
  );
  // Every other one syncs each record before it answers.
  const [first, ...others] = upstreams.map(({ url }, index) => {
    const durability = index % 2 === 0 ? "os" : "disk";
    return JSON.stringify(configOf(url, 0, { config: { journal: { durability } } }));
  });
  const ports = await lowPorts(2 * others.length);
  const places = others.map((config, index): TenantPlace => {
    const configFile = join(folder, `tenant-${index}.yaml`);
    writeFileSync(configFile, config);
    return { configFile, port: ports[2 * index] ?? 0, adminPort: ports[2 * index + 1] ?? 0 };
  });
  const process = await startGateway({
    config: first ?? "",
    env: {
      ...LIFE_ENV,
      [FAULTS_VARIABLE]: desk.path,
      [TENANTS_VARIABLE]: JSON.stringify(places),
      NODE_COMPILE_CACHE: COMPILED,
    },
    nodeArguments: [...NODE_ARGUMENTS, "--import", TENANTS],
  });
  const gateways = [
    process,
    ...places.map(({ port, adminPort }, index) => ({
      ...controlOf(`http://127.0.0.1:${adminPort}`),
      url: `http://127.0.0.1:${port}`,
      dataDir: tenantDirectory(process.dataDir, index),
    })),
  ];
  const tenants = gateways.flatMap((gateway, index) => {
    const upstream = upstreams[index];
    return upstream === undefined ? [] : [tenantOf(gateway, upstream)];
  });
  return new House({ process, desk, folder, tenants });
}

/** Free ports that no outgoing connection takes while the process that had them is gone. */
async function lowPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  let port = PORTS.first + Math.floor(Math.random() * (PORTS.last - PORTS.first) * 0.9);
  while (ports.length < count && port < PORTS.last) {
    port += 1;
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    ports.push(port);
    server.close();
    await once(server, "close");
  }
  assert.equal(ports.length, count, "there are free ports");
  return ports;
}

function tenantOf(gateway: Tenant["gateway"], upstream: Upstream): Tenant {
  let sessions = 0;
  const session = (kind: string): string => `${kind}-${(sessions += 1)}`;
  return { gateway, upstream, books: new Books(gateway, upstream), session };
}

interface Parts {
  /** The one that the further ones live in. */
  readonly process: Gateway;
  readonly desk: FaultDesk;
  readonly folder: string;
  readonly tenants: readonly Tenant[];
}

/** All of their processes in turn. */
export class House {
  readonly process: Gateway;
  readonly desk: FaultDesk;
  readonly tenants: readonly Tenant[];
  readonly #folder: string;

  constructor(parts: Parts) {
    this.process = parts.process;
    this.desk = parts.desk;
    this.tenants = parts.tenants;
    this.#folder = parts.folder;
  }

  /** Starts all of them on the data that is there. False where a fault killed them before they were ready. */
  async start(): Promise<boolean> {
    try {
      await this.process.restart();
      await Promise.all(this.tenants.map((tenant) => this.#ready(tenant)));
      return true;
    } catch (cause) {
      if (this.desk.fired()) return false;
      throw cause;
    }
  }

  async #ready({ gateway: { url } }: Tenant): Promise<void> {
    const is = { said: "nothing" };
    const ready = until(`${url} is ready`, async () => {
      if (await isDeadWithin(this.process, 0)) throw new Error("the process is gone");
      const asking = send(url, { method: "GET", path: "/health/ready" });
      const answer = await asking.catch(() => null);
      is.said = String(answer?.body);
      return answer?.status === 200;
    });
    await ready.catch((cause: unknown) => {
      throw new Error(`${url} says ${is.said}:\n${this.process.logs().slice(-LOG_END)}`, { cause });
    });
  }

  /** The process is gone, by its fault or now, and each upstream has noticed. */
  async end(): Promise<void> {
    await this.process.kill9();
    await until("the upstreams have noticed", () =>
      this.tenants.every(({ upstream }) => upstream.inFlight() === 0),
    );
    this.desk.set({});
  }

  async dispose(): Promise<void> {
    await this.process.dispose();
    await Promise.all(this.tenants.map(({ upstream }) => upstream.stop()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
