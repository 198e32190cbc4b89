/** `tollgate backup DIR` and `tollgate restore DIR`: a copy that is whole, made while the gateway runs. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { PrintedBackupPoint } from "../control/operations.ts";
import { formatTime, systemClock } from "../core/time.ts";
import { BackupFault } from "../journal/backup-fault.ts";
import { checkBackup, makeBackup, mustBeEmpty, restoreBackup } from "../journal/backup.ts";
import type { BackupEnd } from "../journal/backup.ts";
import type { Manifest } from "../journal/manifest.ts";
import { version } from "../version.ts";
import { CommandFailed } from "./exit.ts";
import { counting } from "./numbers.ts";
import { findPlace } from "./place.ts";
import { throughSocketOrStopped, whileStopped } from "./stopped.ts";
import { complain, say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withExamples } from "./verb.ts";

interface RestoreOptions extends StandardOptions {
  readonly dataDir?: string;
}

const MEBIBYTE = 2 ** 20;

export function backupVerb(session: Session): Command {
  const command = newVerb(
    "backup <dir>",
    "copy journal, secrets and snapshot, running or not",
  ).action(async (directory: string, options: StandardOptions) => {
    const place = findPlace(options.config, session.environment);
    const to = resolve(directory);
    const copy = (end: BackupEnd | null): Manifest =>
      withFaults(() =>
        makeBackup({
          dataDir: place.dataDir,
          to,
          end,
          version,
          made: formatTime(systemClock.wallMs()),
        }),
      );
    const manifest = await throughSocketOrStopped(place, {
      running: async (control) => {
        const point = await control.call("POST", "/api/v1/backups", {});
        return copy(endOf(point as PrintedBackupPoint));
      },
      stopped: () => copy(null),
    });
    tell(manifest, to, options);
    if (options.json !== true)
      complain("It holds the node's secrets; the configuration file is not in it: keep both safe.");
  });
  return withExamples(command, ["backup /backup/tollgate-2026-11-23", "backup ./copy --json"]);
}

function endOf({ segment, offset, seq, hash, time }: PrintedBackupPoint): BackupEnd {
  return { position: { segment, offset, seq, prevHash: hash }, time };
}

export function restoreVerb(session: Session): Command {
  const command = newVerb(
    "restore <dir>",
    "check a backup and bring it back into an empty data directory",
  )
    .option("--data-dir <dir>", "where to; the configured data directory where it is missing")
    .action(async (directory: string, options: RestoreOptions) => {
      const from = resolve(directory);
      const dataDir =
        options.dataDir === undefined
          ? findPlace(options.config, session.environment).dataDir
          : resolve(options.dataDir);
      const manifest = withFaults(() => {
        mustBeEmpty(dataDir);
        return checkBackup(from);
      });
      await whileStopped(dataDir, () => withFaults(() => restoreBackup(from, dataDir, manifest)));
      tell(manifest, dataDir, options);
      if (options.json !== true)
        complain("Start the gateway on it: the views are made anew from the journal.");
    });
  return withExamples(command, [
    "restore /backup/tollgate-2026-11-23",
    "restore ./copy --data-dir /var/lib/tollgate",
  ]);
}

function tell(manifest: Manifest, directory: string, { json }: StandardOptions): void {
  const { node, seq, hash, made, files } = manifest;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (json === true)
    return sayJson({ directory, node, seq, hash, made, files: files.length, bytes });
  const size = `${counting(files.length, "file")}, ${(bytes / MEBIBYTE).toFixed(1)} MiB`;
  say(`${directory}: node ${node} up to seq ${seq}, ${size}, all sound`);
  say(`last line: ${hash}`);
}

/** Faults of backups are sentences already. */
function withFaults<Result>(use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof BackupFault)) throw error;
    throw new CommandFailed(error.message, undefined, { cause: error });
  }
}
