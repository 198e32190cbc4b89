/** What commands do with a data directory themselves, and when they leave it to the running gateway. */
import { acquireLock } from "../journal/lock.ts";
import { connectControl, type ControlClient } from "./control-client.ts";
import { CommandFailed, EXIT } from "./exit.ts";
import type { Place } from "./place.ts";

/**
 * Runs `use` while no gateway can start on the data directory.
 *
 * @throws CommandFailed where a process has it.
 */
export async function whileStopped<Result>(
  dataDir: string,
  use: () => Promise<Result> | Result,
): Promise<Result> {
  const lock = acquireLock(dataDir);
  if (!("release" in lock)) {
    const who = lock.heldBy === null ? "another process" : `process ${lock.heldBy.pid}`;
    throw new CommandFailed(`${who} uses ${dataDir}: stop the gateway first`);
  }
  try {
    return await use();
  } finally {
    lock.release();
  }
}

/** Asks the gateway through its socket where one answers there; else does it with the lock held. */
export async function throughSocketOrStopped<Result>(
  place: Place,
  ways: {
    readonly running: (control: ControlClient) => Promise<Result>;
    readonly stopped: () => Promise<Result> | Result;
  },
): Promise<Result> {
  try {
    // The variables for gateways of other machines are not asked: this is about the directory here.
    return await ways.running(connectControl(place, {}));
  } catch (error) {
    if (!(error instanceof CommandFailed && error.exitCode === EXIT.unreachable)) throw error;
  }
  return whileStopped(place.dataDir, ways.stopped);
}
