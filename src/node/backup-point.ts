/** Names a place in the journal up to which a copy is whole, while the gateway goes on writing. */
import type { BackupPoint, ControlPorts } from "../control/ports.ts";
import type { OpenNode } from "./open-node.ts";
import type { Snapshots } from "./snapshots.ts";

/** Waits for a moment without queued records; under steady load one comes within a few turns. */
const TRIES = 2000;

/** The port through which a backup begins. It rejects where no such moment comes or a sync fails. */
export function createBackupPoint(
  node: OpenNode,
  snapshots: Pick<Snapshots, "save">,
): ControlPorts["backupPoint"] {
  return async () => {
    // First, so that the snapshot belongs to a place before the one that is named.
    await snapshots.save();
    const point = await nextPoint(node);
    await node.opened.sync();
    return point;
  };
}

async function nextPoint({ name, opened, journal }: OpenNode): Promise<BackupPoint> {
  for (let tries = 0; tries < TRIES; tries++) {
    const position = opened.position();
    if (position !== null) return { node: name, position, time: journal.writtenTime() };
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("records wait for the disk all the time");
}
