/** Copies files of a data directory so that the copy is on disk, private, and known by its hash. */
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";

export interface CopiedFile {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  /** Rights alone, such as 0o600. */
  readonly mode: number;
}

const CHUNK_BYTES = 1024 * 1024;
const RIGHTS = 0o777;
const PRIVATE_MODE = 0o600;

/**
 * Copies the first `bytes` of a file (all where null) to a path where nothing is yet, with its rights;
 * the copy is synced.
 *
 * @throws the system's error; RangeError where the file has fewer bytes.
 */
export function copyFile(from: string, to: string, bytes: number | null): CopiedFile {
  const source = openSync(from, "r");
  try {
    const mode = fstatSync(source).mode & RIGHTS;
    // Private from the first byte on: the rights come last.
    const target = openSync(to, "wx", PRIVATE_MODE);
    try {
      const copied = read(source, bytes, (chunk) => writeAll(target, chunk));
      fchmodSync(target, mode);
      fsyncSync(target);
      return { ...copied, mode };
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** What a file is now. @throws the system's error. */
export function examineFile(path: string): CopiedFile {
  const source = openSync(path, "r");
  try {
    return { ...read(source, null, () => {}), mode: fstatSync(source).mode & RIGHTS };
  } finally {
    closeSync(source);
  }
}

/** Makes the names in a directory survive a loss of power. */
export function syncDirectory(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function read(
  source: number,
  wanted: number | null,
  take: (chunk: Buffer) => void,
): Omit<CopiedFile, "mode"> {
  const digest = createHash("sha256");
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let bytes = 0;
  for (;;) {
    const most = Math.min(CHUNK_BYTES, (wanted ?? Infinity) - bytes);
    const count = most === 0 ? 0 : readSync(source, buffer, 0, most, bytes);
    if (count === 0) break;
    const chunk = buffer.subarray(0, count);
    digest.update(chunk);
    take(chunk);
    bytes += count;
  }
  if (wanted !== null && bytes < wanted)
    throw new RangeError(`a file ends at byte ${bytes}, before ${wanted}`);
  return { bytes, sha256: digest.digest("hex") };
}

function writeAll(target: number, chunk: Buffer): void {
  for (let done = 0; done < chunk.length;) done += writeSync(target, chunk, done);
}
