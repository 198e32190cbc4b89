/** The parts of the benchmark that run the gateway as a process: which there are, and what each runs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BODY_SIZES, messagesBody } from "./bodies.ts";
import { cpuCases, IDLE, LONE_SIZES, OPEN_LOOPS, warmUpCases } from "./cases.ts";
import { idleStreamCost, type IdleCost } from "./idle-streams.ts";
import { canLoad } from "./load.ts";
import { runOpenLoop } from "./open-loop.ts";
import type { OpenLoopResult } from "./open-loop-load.ts";
import { progress } from "./progress.ts";
import { startNginx, startProxies, startTollgate, type Proxy } from "./proxies.ts";
import { against, caseRows, loneRows, openLoopRows } from "./rows.ts";
import type { Row } from "./table.ts";
import { PROBE_ARGUMENTS } from "../tests/harness/memory-probe.ts";
import { startUpstream, type Upstream } from "./upstream.ts";
import { measureCase, measureLone, warmUp, type Bench } from "./whole-process.ts";

export const RUNNING_PARTS = ["cpu", "lone", "open-loop", "idle"] as const;
type RunningPart = (typeof RUNNING_PARTS)[number];

interface RunningSettings {
  readonly rounds: number;
  /** Of each measurement. */
  readonly seconds: number;
  readonly parts: readonly RunningPart[];
}

interface Measurements {
  readonly rows: readonly Row[];
  /** What has been skipped, and why. */
  readonly notes: readonly string[];
}

/** An open loop sees rarer moments than a closed one. */
const OPEN_LOOP_FACTOR = 4;

/** Runs the parts; what could not be measured is told. */
export async function measureRunning(settings: RunningSettings): Promise<Measurements> {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-bench-"));
  const upstream = await startUpstream(folder);
  const notes = [`Scripted upstream: ${upstream.kind}.`];
  try {
    const rows: Row[] = [];
    if (settings.parts.some((part) => part !== "idle"))
      rows.push(...(await besideOthers(settings, { upstream, folder, notes })));
    if (settings.parts.includes("idle")) rows.push(...(await idle(upstream, folder)));
    return { rows, notes };
  } finally {
    upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Place {
  readonly upstream: Upstream;
  readonly folder: string;
  readonly notes: string[];
}

async function besideOthers(settings: RunningSettings, place: Place): Promise<Row[]> {
  const { upstream, folder, notes } = place;
  const wants = (part: RunningPart) => settings.parts.includes(part) && canLoad();
  if (!canLoad()) notes.push("Not measured: all but idle streams, for wrk is not installed.");
  const started = await startProxies(upstream.url, folder);
  const proxies = started.filter((proxy) => "pid" in proxy);
  for (const absent of started)
    if ("missing" in absent) notes.push(`Not measured: ${absent.name} (${absent.missing}).`);
  const bench = { ...settings, upstream, proxies, folder };
  try {
    const rows: Row[] = [];
    progress("warming up");
    if (canLoad()) await warmUp(bench, warmUpCases());
    if (wants("cpu")) rows.push(...(await cpuByCase(bench)));
    if (wants("lone")) rows.push(...(await lone(bench)));
    if (wants("open-loop")) rows.push(...(await openLoops(bench, notes)));
    return rows;
  } finally {
    for (const proxy of proxies) await proxy.stop();
  }
}

async function cpuByCase(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const of of cpuCases()) {
    progress(of.name);
    rows.push(...caseRows(await measureCase(of, bench), of.limits));
  }
  return rows;
}

async function lone(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of LONE_SIZES) {
    progress(`one connection, ${size}`);
    const body = messagesBody({ bytes: BODY_SIZES[size], stream: false });
    rows.push(...loneRows(size, await measureLone(body, bench)));
  }
  return rows;
}

async function openLoops(bench: Bench, notes: string[]): Promise<Row[]> {
  const rows: Row[] = [];
  await bench.upstream.setAnswer("json");
  for (const of of OPEN_LOOPS) {
    progress(`${of.perSecond} requests a second at random, ${of.size}`);
    const body = messagesBody({ bytes: BODY_SIZES[of.size], stream: false });
    const load = { perSecond: of.perSecond, seconds: bench.seconds * OPEN_LOOP_FACTOR, body };
    const seen = new Map<Proxy["name"], OpenLoopResult>();
    for (const proxy of bench.proxies) {
      const result = await runOpenLoop(proxy, load, bench.folder);
      if (result.failed === 0) seen.set(proxy.name, result);
      else notes.push(`${proxy.name} failed ${result.failed} of ${of.perSecond}/s at ${of.size}.`);
    }
    rows.push(...openLoopRows(of, seen));
  }
  return rows;
}

async function idle(upstream: Upstream, folder: string): Promise<Row[]> {
  const rows: Row[] = [];
  await upstream.setAnswer("idle");
  for (const size of IDLE.sizes) {
    progress(`${IDLE.streams} idle streams, ${size}`);
    const body = messagesBody({ bytes: BODY_SIZES[size], stream: true });
    const seen = new Map<Proxy["name"], IdleCost>();
    // Processes that have served nothing yet: no slack of an earlier load hides what a stream takes.
    for (const start of [startProbed, startNginx]) {
      const proxy = await start(upstream.url, mkdtempSync(join(folder, "idle-")));
      if ("missing" in proxy) continue;
      const of = { streams: IDLE.streams, body };
      seen.set(proxy.name, await idleStreamCost(proxy, of, start === startProbed));
      await proxy.stop();
    }
    const alive = (seen.get("Tollgate")?.alive ?? Number.NaN) / 1000;
    const measure = `memory of an idle stream, ${size}: alive`;
    rows.push({ measure, unit: "kB", value: alive, limit: IDLE.limitBytes / 1000 });
    const resident = new Map([...seen].map(([name, cost]) => [name, cost.resident] as const));
    rows.push(...against(resident, "  resident", "kB", (bytes) => bytes / 1000));
  }
  return rows;
}

function startProbed(upstreamUrl: string, folder: string): Promise<Proxy> {
  return startTollgate(upstreamUrl, folder, PROBE_ARGUMENTS);
}
