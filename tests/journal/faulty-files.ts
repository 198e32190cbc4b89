/** The real disk with a limited room and faults on demand. */
import { nodeFiles } from "../../src/journal/file-layer.ts";
import type { FileLayer } from "../../src/journal/file-layer.ts";

export type Operation = "open" | "write" | "truncate" | "sync" | "rename" | "syncDirectory";

export interface FaultyFiles {
  readonly layer: FileLayer;
  /** "write head.tmp 120", in order. */
  readonly calls: string[];
  /** Bytes that files may still grow by; what a truncation gives back is added. */
  room: number;
  /** Most bytes that one write takes. */
  writeBytesMax: number;
  /** Makes an operation fail on files whose path matches, until `heal`. */
  readonly fail: (operation: Operation, code: string, on: RegExp) => void;
  readonly heal: (operation: Operation) => void;
}

/** The real disk without its syncs: for hundreds of openings, none of which loses its power. */
export const unsyncedFiles: FileLayer = {
  ...nodeFiles,
  sync: async () => {},
  syncDirectory: async () => {},
};

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected, test`), { code });
}

export function faultyFiles(): FaultyFiles {
  const paths = new Map<number, string>();
  const faults = new Map<Operation, { readonly code: string; readonly on: RegExp }>();
  const check = (operation: Operation, path: string): void => {
    const fault = faults.get(operation);
    if (fault?.on.test(path) === true) throw systemError(fault.code);
  };
  const pathOf = (descriptor: number): string => paths.get(descriptor) ?? "?";
  const resize = (descriptor: number, to: number): void => {
    disk.room -= to - nodeFiles.sizeBytes(descriptor);
  };

  const layer: FileLayer = {
    open: (path) => {
      check("open", path);
      const descriptor = nodeFiles.open(path);
      paths.set(descriptor, path);
      return descriptor;
    },
    close: nodeFiles.close,
    sizeBytes: nodeFiles.sizeBytes,
    write: (descriptor, bytes, position) => {
      const path = pathOf(descriptor);
      check("write", path);
      const size = nodeFiles.sizeBytes(descriptor);
      const fits = Math.min(bytes.length, disk.writeBytesMax, size - position + disk.room);
      if (fits <= 0) throw systemError("ENOSPC");
      if (position + fits > size) resize(descriptor, position + fits);
      disk.calls.push(`write ${path.split("/").at(-1)} ${fits}`);
      return nodeFiles.write(descriptor, bytes.subarray(0, fits), position);
    },
    truncate: (descriptor, lengthBytes) => {
      check("truncate", pathOf(descriptor));
      resize(descriptor, lengthBytes);
      nodeFiles.truncate(descriptor, lengthBytes);
    },
    sync: async (descriptor) => {
      check("sync", pathOf(descriptor));
      disk.calls.push(`sync ${pathOf(descriptor).split("/").at(-1)}`);
      await nodeFiles.sync(descriptor);
    },
    rename: (from, to) => {
      check("rename", to);
      nodeFiles.rename(from, to);
    },
    unlink: nodeFiles.unlink,
    syncDirectory: async (path) => {
      check("syncDirectory", path);
      await nodeFiles.syncDirectory(path);
    },
  };
  const disk: FaultyFiles = {
    layer,
    calls: [],
    room: Number.POSITIVE_INFINITY,
    writeBytesMax: Number.POSITIVE_INFINITY,
    fail: (operation, code, on) => void faults.set(operation, { code, on }),
    heal: (operation) => void faults.delete(operation),
  };
  return disk;
}
