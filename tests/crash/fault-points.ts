/**
 * Preloaded into a gateway (`node --import`): guards the file calls of its journal, and ends the process
 * by SIGKILL at the one that a test has chosen. It also fills the disk, and steps the wall clock.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isMainThread } from "node:worker_threads";
import {
  callNames,
  FAULTS_VARIABLE,
  type Faults,
  type KillPoint,
  type Operation,
  type TracedCall,
} from "./faults.ts";

const CLOCK_READ_MS = 5;

const steeringPath = process.env[FAULTS_VARIABLE];
if (steeringPath === undefined) throw new Error(`${FAULTS_VARIABLE} must name a file`);
const path: string = steeringPath;
const dataDir = process.env["TOLLGATE_DATA_DIR"];
if (dataDir === undefined) throw new Error("TOLLGATE_DATA_DIR must be set");
/** Gateways that share the process have their directories beside it. */
const dataPrefix: string = dataDir;

const real = { ...fs };
const paths = new Map<number, string>();
/** Calls so far that the kill point may mean. */
let passed = 0;
let text = "";
let faults: Faults = { id: "" };
/** Bytes by which files may still grow on a full disk. */
let roomBytes = 0;

function current(): Faults {
  const read = real.readFileSync(path, "utf8");
  if (read === text) return faults;
  text = read;
  faults = JSON.parse(read) as Faults;
  passed = 0;
  roomBytes = 0;
  return faults;
}

function die(): never {
  real.writeFileSync(`${path}.fired`, "1");
  process.kill(process.pid, "SIGKILL");
  throw new Error("nobody survives SIGKILL");
}

function isHere(
  kill: KillPoint | undefined,
  operation: Operation,
  names: readonly string[],
): boolean {
  if (kill === undefined || kill.operation !== operation) return false;
  if (kill.file !== null && !names.includes(kill.file)) return false;
  passed += 1;
  return passed === kill.nth;
}

interface Guarded<Result> {
  readonly operation: Operation;
  readonly path: string;
  /** Of a write; else null. */
  readonly bytes: Uint8Array | null;
  readonly perform: () => Result;
  /** Does the first part only. */
  readonly tear: (bytes: number) => void;
}

function guarded<Result>(call: Guarded<Result>): Result {
  if (!call.path.startsWith(dataPrefix)) return call.perform();
  const { kill, trace } = current();
  const { operation } = call;
  const names = callNames(call.path, call.bytes);
  if (trace === true) {
    const line = JSON.stringify({ operation, names } satisfies TracedCall);
    real.appendFileSync(`${path}.trace`, `${line}\n`);
  }
  if (kill === undefined || !isHere(kill, operation, names)) return call.perform();
  if (kill.moment === "torn") call.tear(tornBytes(call.bytes?.length ?? 0, kill.tornShare));
  else if (kill.moment === "after") call.perform();
  return die();
}

/** Never none, never all. */
function tornBytes(bytes: number, share = 0.5): number {
  return Math.max(Math.min(1, bytes), Math.min(bytes - 1, Math.floor(bytes * share)));
}

function noSpace(): Error {
  const words = "ENOSPC: no space left on device, write";
  return Object.assign(new Error(words), { code: "ENOSPC", syscall: "write" });
}

/** How many of `bytes` fit at `position`; throws where none does. */
function fitting(descriptor: number, bytes: number, position: number): number {
  const { full } = current();
  if (full === undefined) return bytes;
  const growth = Math.max(0, position + bytes - real.fstatSync(descriptor).size);
  const taken = bytes - Math.max(0, growth - roomBytes);
  if (taken <= 0) throw noSpace();
  roomBytes -= Math.min(growth, roomBytes);
  return taken;
}

function writeAt(descriptor: number, view: Uint8Array, at: readonly unknown[]): number {
  const [offset, length, position] = at as [number, number, number];
  const name = paths.get(descriptor) ?? "";
  const isOurs = name.startsWith(dataPrefix);
  const write = (bytes: number): number =>
    real.writeSync(descriptor, view, offset, bytes, position);
  return guarded({
    operation: "write",
    path: name,
    bytes: view.subarray(offset, offset + length),
    perform: () => write(isOurs ? fitting(descriptor, length, position) : length),
    tear: write,
  });
}

function guardDescriptors(): void {
  fs.openSync = ((name: string, ...rest: [number | string, number?]) => {
    const perform = (): number => {
      const descriptor = real.openSync(name, ...rest);
      paths.set(descriptor, name);
      return descriptor;
    };
    const isNew = typeof name === "string" && !real.existsSync(name);
    if (!isNew) return perform();
    return guarded({ operation: "open", path: name, bytes: null, perform, tear: perform });
  }) as typeof fs.openSync;
  fs.closeSync = (descriptor) => {
    paths.delete(descriptor);
    real.closeSync(descriptor);
  };
}

function guardWrites(): void {
  fs.writeSync = ((descriptor: number, view: Uint8Array | string, ...at: readonly unknown[]) => {
    // Only the journal writes bytes at a place; the log's text goes to a pipe.
    if (typeof view === "string" || typeof at[2] !== "number")
      return (real.writeSync as (...all: readonly unknown[]) => number)(descriptor, view, ...at);
    return writeAt(descriptor, view, at);
  }) as typeof fs.writeSync;
  fs.ftruncateSync = (descriptor, length) => {
    const perform = (): void => {
      const before = real.fstatSync(descriptor).size;
      real.ftruncateSync(descriptor, length);
      if (current().full === "full") roomBytes += Math.max(0, before - (length ?? 0));
    };
    const name = paths.get(descriptor) ?? "";
    guarded({ operation: "truncate", path: name, bytes: null, perform, tear: perform });
  };
  fs.renameSync = (from, to) => {
    const perform = (): void => real.renameSync(from, to);
    guarded({ operation: "rename", path: String(to), bytes: null, perform, tear: perform });
  };
  fs.writeFileSync = (file, data, options) => {
    const perform = (): void => real.writeFileSync(file, data, options);
    const name = typeof file === "string" ? file : "";
    // What a process that dies between its open(2) and its write(2) leaves.
    const tear = (): void => real.writeFileSync(file, "", options);
    guarded({ operation: "file", path: name, bytes: null, perform, tear });
  };
}

function guardSyncs(): void {
  const sync = (descriptor: number, done: (error: NodeJS.ErrnoException | null) => void): void => {
    const name = paths.get(descriptor) ?? "";
    const { kill } = current();
    const isLater = name.startsWith(dataPrefix) && kill?.moment === "after";
    if (isLater && isHere(kill, "sync", callNames(name, null))) {
      real.fdatasync(descriptor, () => die());
      return;
    }
    const perform = (): void => real.fdatasync(descriptor, done);
    if (isLater) perform();
    else guarded({ operation: "sync", path: name, bytes: null, perform, tear: perform });
  };
  fs.fdatasync = sync as typeof fs.fdatasync;
}

function stepClock(): void {
  const now = Date.now;
  let readMs = Number.NEGATIVE_INFINITY;
  let offsetMs = 0;
  Date.now = () => {
    if (performance.now() - readMs > CLOCK_READ_MS) {
      readMs = performance.now();
      offsetMs = (JSON.parse(real.readFileSync(path, "utf8")) as Faults).clockOffsetMs ?? 0;
    }
    return now() + offsetMs;
  };
}

stepClock();
// The views' thread writes no journal.
if (isMainThread) {
  guardDescriptors();
  guardWrites();
  guardSyncs();
  syncBuiltinESMExports();
}
