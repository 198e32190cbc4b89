/** Notices that files have changed, however they were written: in place, by rename, by symlink. */
import { type BigIntStats, type FSWatcher, statSync, watch } from "node:fs";
import { dirname, resolve } from "node:path";

const POLL_MS = 2000;
/** Editors write in several steps; only when it has been still for this long is a file read. */
const STILL_MS = 200;

export interface FileWatch {
  /** Stops watching; no call of `onChange` follows. Idempotent. */
  readonly close: () => void;
}

/**
 * Calls `onChange` each time that what any of `files` leads to has become another file, has other bytes
 * or is gone, once all have been still for 200 ms. Neither its timers nor its watches keep the process
 * alive.
 */
export function watchFiles(files: readonly string[], onChange: () => void): FileWatch {
  const signatureOfAll = (): string => files.map(signatureOf).join(", ");
  let told = signatureOfAll();
  let pending: { readonly timer: NodeJS.Timeout; readonly signature: string } | null = null;

  const settle = (): void => {
    pending = null;
    const signature = signatureOfAll();
    if (signature === told) return;
    told = signature;
    onChange();
  };
  const look = (): void => {
    const signature = signatureOfAll();
    if (signature === (pending?.signature ?? told)) return;
    if (pending !== null) clearTimeout(pending.timer);
    pending = { timer: setTimeout(settle, STILL_MS).unref(), signature };
  };

  const folders = new Set(files.map((file) => dirname(resolve(file))));
  const watchers = [...folders].map((folder) => watchFolder(folder, look));
  const poll = setInterval(look, POLL_MS).unref();
  const close = (): void => {
    clearInterval(poll);
    if (pending !== null) clearTimeout(pending.timer);
    for (const watcher of watchers) watcher?.close();
  };
  return { close };
}

/**
 * Watches the folder, not the file: a rename or a swapped symlink leaves a watched file behind. Null
 * where the system has no watch to give (limits, network file systems): the poll goes on alone.
 */
function watchFolder(folder: string, onEvent: () => void): FSWatcher | null {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent);
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause) return null;
    throw cause;
  }
}

/** Changes whenever the file does. Symlinks are followed, so a swapped one changes it too. */
function signatureOf(file: string): string {
  const stats: BigIntStats | undefined = statOf(file);
  if (stats === undefined) return "none";
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(" ");
}

function statOf(file: string): BigIntStats | undefined {
  try {
    return statSync(file, { bigint: true, throwIfNoEntry: false });
  } catch (cause) {
    // A folder that may not be entered, or is a file by now: to a reader the same as no file.
    if (cause instanceof Error && "code" in cause) return undefined;
    throw cause;
  }
}
