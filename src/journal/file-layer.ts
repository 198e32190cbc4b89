/** The few file operations that the journal writes through, so that tests can make each of them fail. */
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  promises,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";

/** Every operation throws, or rejects with, the system's error. */
export interface FileLayer {
  /** Opens for reading and writing; a missing file is made, readable by its owner alone. */
  readonly open: (path: string) => number;
  readonly close: (descriptor: number) => void;
  readonly sizeBytes: (descriptor: number) => number;
  /** write(2) at a position. @returns how many bytes it took: fewer than given is no error. */
  readonly write: (descriptor: number, bytes: Uint8Array, position: number) => number;
  readonly truncate: (descriptor: number, lengthBytes: number) => void;
  /** Resolves when all that was written before the call survives a loss of power. */
  readonly sync: (descriptor: number) => Promise<void>;
  readonly rename: (from: string, to: string) => void;
  readonly unlink: (path: string) => void;
  /** Makes the names of new, renamed and removed files in `path` survive a loss of power. */
  readonly syncDirectory: (path: string) => Promise<void>;
}

const FILE_MODE = 0o600;

/** The real disk. */
export const nodeFiles: FileLayer = {
  open: (path) => openSync(path, constants.O_RDWR | constants.O_CREAT, FILE_MODE),
  close: closeSync,
  sizeBytes: (descriptor) => fstatSync(descriptor).size,
  write: (descriptor, bytes, position) => writeSync(descriptor, bytes, 0, bytes.length, position),
  truncate: ftruncateSync,
  sync: (descriptor) =>
    new Promise((resolve, reject) => {
      fdatasync(descriptor, (error) => (error === null ? resolve() : reject(error)));
    }),
  rename: renameSync,
  unlink: unlinkSync,
  syncDirectory: async (path) => {
    const directory = await promises.open(path, constants.O_RDONLY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};
