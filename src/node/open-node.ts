/** Opens a node on its data directory: lock, journal, what it remembers, and the views of it. */
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/time.ts";
import type { Log } from "../gateway/ports.ts";
import type { Journal } from "../journal/journal.ts";
import { nodeFiles } from "../journal/file-layer.ts";
import { journalDirectory, nodeName } from "../journal/layout.ts";
import { acquireLock, type Holder } from "../journal/lock.ts";
import { openJournal, type OpenedJournal } from "../journal/open.ts";
import { loadSnapshot } from "../journal/snapshot.ts";
import type { Position } from "../journal/position.ts";
import { openViews, type Views } from "../views/views.ts";
import { applyToState, emptyState, restoreState, type NodeState } from "./state.ts";

export interface OpenNode {
  readonly name: string;
  readonly state: NodeState;
  readonly journal: Journal;
  readonly opened: OpenedJournal;
  readonly views: Views;
  /** Lets the next process have the data directory. */
  readonly release: () => void;
}

/** Another process has the data directory; null where it has not said which. */
export interface Held {
  readonly heldBy: Holder | null;
}

/**
 * Takes the data directory, replays the journal from the last snapshot and starts the writer.
 *
 * @throws JournalCorrupt where the journal is not what was written.
 */
export async function openNode(
  config: Config,
  services: { readonly clock: Clock; readonly log: Log },
): Promise<OpenNode | Held> {
  const { dataDir } = config;
  const lock = acquireLock(dataDir);
  if (!("release" in lock)) return lock;
  try {
    return { ...(await openFiles(config, services)), release: lock.release };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function openFiles(
  config: Config,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<Omit<OpenNode, "release">> {
  const { dataDir } = config;
  const name = await nodeName(dataDir, nodeFiles);
  const { state, from } = remembered(dataDir, journalDirectory(dataDir, name), log);
  const opened = await openJournal({
    dataDir,
    node: name,
    durability: config.journal.durability,
    segmentBytes: config.journal.segmentBytes,
    clock,
    from,
    visit: (record) => applyToState(state, record),
    onFault: ({ level, message }) => log[level](message),
  });
  const { recovered, journal } = opened;
  if (recovered.torn !== null)
    log.warn("a torn line was cut off the journal", { ...recovered.torn });
  const views = await openViews({
    dataDir,
    journalDirectory: opened.directory,
    log: { warn: (fields, message) => log.warn(message, fields) },
    clock,
  });
  journal.onWritten(() => views.notify(journal.writtenSeq()));
  views.notify(journal.writtenSeq());
  return { name, state, journal, opened, views };
}

function remembered(
  dataDir: string,
  directory: string,
  log: Log,
): { readonly state: NodeState; readonly from: Position | null } {
  const loaded = loadSnapshot(dataDir, directory);
  if (loaded.snapshot === null) {
    if (loaded.reason !== null) log.warn(`${loaded.reason}; the whole journal is replayed instead`);
    return { state: emptyState(), from: null };
  }
  const state = restoreState(loaded.snapshot.state);
  return state === null
    ? { state: emptyState(), from: null }
    : { state, from: loaded.snapshot.position };
}
