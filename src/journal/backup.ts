/** Makes a copy of a data directory that is whole up to one line of the journal, and brings it back. */
import { existsSync, mkdirSync, readdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BackupFault } from "./backup-fault.ts";
import { currentBootId, keptBootId } from "./boot.ts";
import { copyFile, examineFile, syncDirectory } from "./copy-file.ts";
import { isMissing } from "./disk-fault.ts";
import { headPath, type Head } from "./head.ts";
import {
  DIRECTORY_MODE,
  journalDirectory,
  journalRoot,
  listNodes,
  listSegments,
  readIfThere,
  segmentPath,
} from "./layout.ts";
import { readManifest, writeManifest, type BackedUpFile, type Manifest } from "./manifest.ts";
import type { Position } from "./position.ts";
import { loadSnapshot, snapshotPath } from "./snapshot.ts";
import { verifyDirectory, type VerifyReport } from "./verify.ts";

/** Where the journal of a running node is whole and on disk. */
export interface BackupEnd {
  readonly position: Position;
  /** The latest time of all lines up to there; null where there is none. */
  readonly time: string | null;
}

export interface BackupOptions {
  readonly dataDir: string;
  /** Missing or empty. */
  readonly to: string;
  /** Null: nobody writes, and everything that is there is copied. */
  readonly end: BackupEnd | null;
  readonly version: string;
  /** RFC 3339. */
  readonly made: string;
}

const HEAD_MODE = 0o600;
const SMALL_FILES = ["node", "pepper", "default-key", "admin-token"];

/**
 * Copies what a node cannot rebuild (journal, name, secrets) and its snapshot, and checks every line
 * of the copy. The manifest is written last: without one it is no backup.
 *
 * @throws BackupFault, or the system's error; nothing is left in `to` then.
 */
export function makeBackup(options: BackupOptions): Manifest {
  const { to } = options;
  mkdirSync(to, { recursive: true, mode: DIRECTORY_MODE });
  if (!isEmpty(to)) throw new BackupFault(`${to} is not empty: name a directory that is new`);
  try {
    return copyAll(options);
  } catch (error) {
    for (const name of readdirSync(to)) rmSync(join(to, name), { recursive: true, force: true });
    throw error;
  }
}

function copyAll({ dataDir, to, end, version, made }: BackupOptions): Manifest {
  const node = readIfThere(join(dataDir, "node"))?.trim() ?? "";
  if (!listNodes(dataDir).includes(node))
    throw new BackupFault(`${dataDir} holds no journal: name a data directory`);
  copyIfThere(dataDir, to, "snapshot.json");
  for (const name of SMALL_FILES) copyIfThere(dataDir, to, name);
  mkdirSync(journalRoot(to), { mode: DIRECTORY_MODE });
  for (const each of listNodes(dataDir)) {
    mkdirSync(journalDirectory(to, each), { mode: DIRECTORY_MODE });
    if (each === node && end !== null) copyUpTo(dataDir, to, { node, end });
    else copyWhole(dataDir, to, each);
  }
  dropLaterSnapshot(to, node);
  const report = soundDirectory(to);
  const own = report.nodes.find((each) => each.node === node);
  const files = filesIn(to, listNodes(to));
  const last = { seq: own?.lastSeq ?? 0, hash: own?.lastHash ?? "" };
  const manifest: Manifest = { format: 1, version, made, node, ...last, files };
  writeManifest(to, manifest);
  syncDirectories(to);
  return manifest;
}

/** Segments up to the end, and a head that names it. */
function copyUpTo(
  dataDir: string,
  to: string,
  { node, end }: { readonly node: string; readonly end: BackupEnd },
): void {
  const [source, target] = [journalDirectory(dataDir, node), journalDirectory(to, node)];
  const { segment: last, offset, seq, prevHash: hash } = end.position;
  for (const segment of listSegments(source).filter((each) => each <= last)) {
    const bytes = segment === last ? offset : null;
    if (bytes !== 0) copySegment(segmentPath(source, segment), segmentPath(target, segment), bytes);
  }
  // A segment that has no line yet does not hold the last one.
  const segment = offset === 0 && seq > 0 ? last - 1 : last;
  const head: Head = { seq, hash, segment, time: end.time };
  writeFileSync(headPath(target), `${JSON.stringify(head)}\n`, { mode: HEAD_MODE, flush: true });
}

function copySegment(from: string, to: string, bytes: number | null): void {
  try {
    copyFile(from, to, bytes);
  } catch (error) {
    if (!isMissing(error)) throw error;
    const message = `${from} was removed by retention while it was copied: run the backup again`;
    throw new BackupFault(message, { cause: error });
  }
}

function copyWhole(dataDir: string, to: string, node: string): void {
  const [source, target] = [journalDirectory(dataDir, node), journalDirectory(to, node)];
  for (const segment of listSegments(source))
    copyFile(segmentPath(source, segment), segmentPath(target, segment), null);
  copyIfThere(source, target, "head");
  // Where the machine went down since, the next start must still see it; on another one it could not.
  if (keptBootId(source) !== currentBootId()) copyIfThere(source, target, "boot");
}

function copyIfThere(from: string, to: string, name: string): void {
  try {
    copyFile(join(from, name), join(to, name), null);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** A snapshot that was saved in the meantime is of lines that the copy does not have. */
function dropLaterSnapshot(to: string, node: string): void {
  if (!existsSync(snapshotPath(to))) return;
  const { snapshot } = loadSnapshot(to, journalDirectory(to, node));
  if (snapshot === null) unlinkSync(snapshotPath(to));
}

function filesIn(directory: string, nodes: readonly string[]): BackedUpFile[] {
  const inJournal = nodes.flatMap((node) =>
    readdirSync(journalDirectory(directory, node)).map((name) => `journal/${node}/${name}`),
  );
  const above = ["snapshot.json", ...SMALL_FILES].filter((name) =>
    existsSync(join(directory, name)),
  );
  return [...above, ...inJournal]
    .toSorted()
    .map((path) => ({ path, ...examineFile(join(directory, path)) }));
}

function soundDirectory(directory: string): VerifyReport {
  const report = verifyDirectory(directory);
  if (report.ok) return report;
  const [problem] = report.nodes.flatMap((node) => node.problems);
  const what = problem === undefined ? report.fault : `${problem.file}: ${problem.what}`;
  throw new BackupFault(`the journal is not sound: ${what}; "tollgate audit verify" names all`);
}

/** Checks a backup whole: each file against the manifest, each line against the chain. @throws BackupFault */
export function checkBackup(directory: string): Manifest {
  const manifest = readManifest(directory);
  for (const file of manifest.files) checkFile(directory, file);
  const report = soundDirectory(directory);
  const own = report.nodes.find((each) => each.node === manifest.node);
  if (own?.lastSeq === manifest.seq && own.lastHash === manifest.hash) return manifest;
  throw new BackupFault(`${directory} does not end with the line that its backup.json names`);
}

function checkFile(directory: string, { path, bytes, sha256 }: BackedUpFile): void {
  const full = join(directory, path);
  if (!existsSync(full)) throw new BackupFault(`${full} is missing from the backup`);
  const found = examineFile(full);
  if (found.bytes !== bytes || found.sha256 !== sha256)
    throw new BackupFault(`${full} is not what was backed up: it has another hash or size`);
}

/** @throws BackupFault where something is in it. A directory that does not exist is fine. */
export function mustBeEmpty(dataDir: string): void {
  if (existsSync(dataDir) && !isEmpty(dataDir))
    throw new BackupFault(`${dataDir} is not empty: move what is there away, or name another`);
}

/**
 * Copies a checked backup into a data directory that holds nothing and whose lock the caller has.
 *
 * @throws BackupFault, or the system's error; what was copied by then stays, and is no data directory.
 */
export function restoreBackup(from: string, dataDir: string, manifest: Manifest): void {
  for (const file of manifest.files) {
    const to = join(dataDir, file.path);
    mkdirSync(dirname(to), { recursive: true, mode: DIRECTORY_MODE });
    const { sha256 } = copyFile(join(from, file.path), to, null);
    if (sha256 !== file.sha256) throw new BackupFault(`${to} came out otherwise: check the disk`);
  }
  syncDirectories(dataDir);
}

function syncDirectories(directory: string): void {
  for (const node of listNodes(directory)) syncDirectory(journalDirectory(directory, node));
  syncDirectory(journalRoot(directory));
  syncDirectory(directory);
}

function isEmpty(directory: string): boolean {
  return readdirSync(directory).length === 0;
}
