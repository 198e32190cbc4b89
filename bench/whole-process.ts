/** Measures running proxies side by side: CPU by request and by event, and latency. */
import { setTimeout as delay } from "node:timers/promises";
import type { Case } from "./cases.ts";
import { cpuUsBetween, cpuUsByThread } from "./cpu-time.ts";
import { runLoad, type Latency } from "./load.ts";
import type { Proxy } from "./proxies.ts";
import { median } from "./statistics.ts";
import type { Upstream } from "./upstream.ts";

export interface Bench {
  readonly upstream: Upstream;
  readonly proxies: readonly Proxy[];
  /** For files of the load. */
  readonly folder: string;
  readonly rounds: number;
  /** Of each measurement, after its warm-up. */
  readonly seconds: number;
}

/** One proxy under one case: medians of the rounds. */
export interface Measured {
  /** CPU of all threads for one request or event, microseconds. */
  readonly cpuUs: number;
  /** Of it, the views' worker; 0 where there is none. */
  readonly viewsUs: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export interface CaseResult {
  readonly name: string;
  readonly unit: "request" | "event";
  readonly measured: ReadonlyMap<Proxy["name"], Measured>;
  /** Medians of Tollgate ÷ the baseline within a round. */
  readonly ratios: ReadonlyMap<Proxy["name"], number>;
}

/** The thread of the views' worker, as the system names it. */
const VIEWS_THREAD = /^views\b/;
const WARM_UP_SECONDS = 1;
const PROCESS_WARM_UP_SECONDS = 10;
const MS = 1000;

/** All proxies in turn, the whole round again and again. */
export async function measureCase(of: Case, bench: Bench): Promise<CaseResult> {
  await bench.upstream.setAnswer(of.answer);
  const rounds: Map<Proxy["name"], Measured>[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const measured = new Map<Proxy["name"], Measured>();
    for (const proxy of bench.proxies) measured.set(proxy.name, await measure(proxy, of, bench));
    rounds.push(measured);
  }
  const names = bench.proxies.map((proxy) => proxy.name);
  return {
    name: of.name,
    unit: of.unit,
    measured: new Map(names.map((name) => [name, medians(present(rounds, name))])),
    ratios: new Map(names.map((name) => [name, median(ratiosTo(rounds, name))])),
  };
}

async function measure(proxy: Proxy, of: Case, bench: Bench): Promise<Measured> {
  const seconds = bench.seconds + WARM_UP_SECONDS + 1;
  const load = { connections: of.connections, seconds, body: of.body };
  const running = runLoad(proxy, load, bench.folder);
  await delay(WARM_UP_SECONDS * MS);
  const before = await look(proxy, bench.upstream);
  await delay(bench.seconds * MS);
  const after = await look(proxy, bench.upstream);
  const latency = await running;
  const units =
    of.unit === "request"
      ? after.counts.requests - before.counts.requests
      : after.counts.events - before.counts.events;
  const { all, named } = cpuUsBetween(before.cpuUs, after.cpuUs, VIEWS_THREAD);
  return {
    cpuUs: all / units,
    viewsUs: named / units,
    perSecond: (units * MS) / (after.atMs - before.atMs),
    p50Us: latency.p50Us,
    p99Us: latency.p99Us,
  };
}

async function look(proxy: Proxy, upstream: Upstream) {
  const counts = await upstream.counts();
  return { counts, cpuUs: cpuUsByThread(proxy.pid), atMs: performance.now() };
}

function present(rounds: readonly Map<Proxy["name"], Measured>[], name: Proxy["name"]): Measured[] {
  return rounds.flatMap((round) => round.get(name) ?? []);
}

function medians(measured: readonly Measured[]): Measured {
  const of = (field: keyof Measured) => median(measured.map((one) => one[field]));
  return {
    cpuUs: of("cpuUs"),
    viewsUs: of("viewsUs"),
    perSecond: of("perSecond"),
    p50Us: of("p50Us"),
    p99Us: of("p99Us"),
  };
}

function ratiosTo(
  rounds: readonly Map<Proxy["name"], Measured>[],
  baseline: Proxy["name"],
): number[] {
  return rounds.flatMap((round) => {
    const [own, other] = [round.get("Tollgate"), round.get(baseline)];
    return own === undefined || other === undefined ? [] : [own.cpuUs / other.cpuUs];
  });
}

/**
 * Lets every proxy's compiler see its work before anything is measured: without it the first case would pay
 * for what a process does once.
 */
export async function warmUp(bench: Bench, cases: readonly Case[]): Promise<void> {
  for (const { answer, body, connections } of cases) {
    await bench.upstream.setAnswer(answer);
    const load = { connections, seconds: PROCESS_WARM_UP_SECONDS, body };
    for (const proxy of bench.proxies) await runLoad(proxy, load, bench.folder);
  }
}

/** Latency with one connection: one request after the other. */
export async function measureLone(
  body: Buffer,
  bench: Bench,
): Promise<ReadonlyMap<Proxy["name"], Latency>> {
  await bench.upstream.setAnswer("json");
  const rounds: Map<Proxy["name"], Latency>[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const seen = new Map<Proxy["name"], Latency>();
    const load = { connections: 1, seconds: bench.seconds, body };
    for (const proxy of bench.proxies)
      seen.set(proxy.name, await runLoad(proxy, load, bench.folder));
    rounds.push(seen);
  }
  const of = (name: Proxy["name"], field: keyof Latency) =>
    median(rounds.map((round) => round.get(name)?.[field] ?? Number.NaN));
  return new Map(
    bench.proxies.map(({ name }) => [
      name,
      { requests: of(name, "requests"), p50Us: of(name, "p50Us"), p99Us: of(name, "p99Us") },
    ]),
  );
}
