/** Doctor's checks of the data directory: rights, room, and the end of the journal. */
import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../core/time.ts";
import { readHead } from "../journal/head.ts";
import { journalDirectory, listNodes, listSegments } from "../journal/layout.ts";
import { readTail, type Tail } from "./journal-tail.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";
import { counting } from "./numbers.ts";
import type { Place } from "./place.ts";

const OTHERS_RIGHTS = 0o077;
const SECRET_FILES = ["default-key", "pepper", "admin-token"];
const GIBIBYTE = 2 ** 30;
const ROOM_WARN_BYTES = GIBIBYTE;
const ROOM_FAIL_BYTES = GIBIBYTE / 10;
const CLOCK_AHEAD_MS = 60_000;

/** @param isRunning A running gateway may be in the middle of a line. */
export function dataChecks({ dataDir }: Place, isRunning: boolean): Finding[] {
  const mode = modeOf(dataDir);
  if (mode === null) {
    return [warn("data directory", `${dataDir} does not exist yet`, "the first start makes it")];
  }
  return [
    directoryCheck(dataDir, mode),
    ...SECRET_FILES.flatMap((name) => secretFileCheck(join(dataDir, name)) ?? []),
    roomCheck(freeBytesOf(dataDir)),
    ...listNodes(dataDir).flatMap((node) => journalChecks(dataDir, node, isRunning)),
  ];
}

/** The rights of a file; null where it does not exist. */
function modeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.mode ?? null;
}

function directoryCheck(dataDir: string, mode: number): Finding {
  const name = "data directory";
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const remedy = "make it writable for the user that runs the gateway";
    return fail(name, `${dataDir} cannot be written (${why})`, remedy);
  }
  if ((mode & OTHERS_RIGHTS) === 0) return ok(name, `${dataDir}, writable and private`);
  return warn(name, `${dataDir} is open to other users`, `chmod 700 ${dataDir}`);
}

/** Null where there is no such file, or nobody else can read it. */
function secretFileCheck(path: string): Finding | null {
  const mode = modeOf(path);
  if (mode === null || (mode & OTHERS_RIGHTS) === 0) return null;
  return fail("secrets", `${path} can be read by other users`, `chmod 600 ${path}`);
}

function freeBytesOf(dataDir: string): number {
  const { bavail, bsize } = statfsSync(dataDir);
  return bavail * bsize;
}

/** Whether the journal has room to grow. */
export function roomCheck(freeBytes: number): Finding {
  const message = `${(freeBytes / GIBIBYTE).toFixed(1)} GiB free`;
  const remedy = "make room: without any, requests are refused with journal_unavailable";
  if (freeBytes < ROOM_FAIL_BYTES) return fail("disk", message, remedy);
  return freeBytes < ROOM_WARN_BYTES ? warn("disk", message, remedy) : ok("disk", message);
}

function journalChecks(dataDir: string, node: string, isRunning: boolean): Finding[] {
  const directory = journalDirectory(dataDir, node);
  // Before the lines: a live writer only adds behind it.
  const head = readHead(directory);
  const segment = listSegments(directory).at(-1);
  const name = `journal ${node}`;
  const remedy = '"tollgate audit verify" names all that is wrong; restore from a backup';
  if (head.state !== "read") {
    const why = head.state === "missing" ? "is missing" : `is damaged: ${head.reason}`;
    return [fail(name, `its head ${why}`, remedy)];
  }
  if (segment === undefined) return [ok(name, "no line yet")];
  const tail = readTail(directory, segment, head.head.seq);
  const fault = tailFault(tail, head.head);
  if (fault !== null) return [fail(name, fault, remedy)];
  const extent = `${counting(tail.lastSeq, "line")}, the last segment sound up to its head`;
  const torn = warn(name, `${extent}, then a torn line`, "nothing: the next start cuts it off");
  return [tail.isTorn && !isRunning ? torn : ok(name, extent), clockCheck(tail)];
}

function tailFault(tail: Tail, head: { readonly seq: number; readonly hash: string }) {
  if (tail.fault !== null) return tail.fault;
  if (head.seq > tail.lastSeq) return `it ends at seq ${tail.lastSeq}, before its head ${head.seq}`;
  const isOther = tail.hashAtHead !== null && tail.hashAtHead !== head.hash;
  return isOther ? `seq ${head.seq} is not the line that its head names` : null;
}

function clockCheck({ lastTimeMs }: Tail): Finding {
  const aheadMs = lastTimeMs - systemClock.wallMs();
  if (aheadMs <= CLOCK_AHEAD_MS) return ok("clock", "not behind the journal");
  return fail(
    "clock",
    `the journal's last line is ${Math.round(aheadMs / 1000)} s in the future`,
    "set the clock (NTP): budgets' windows follow it",
  );
}
