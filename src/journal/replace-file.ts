/** Replaces a small file so that a reader finds the old content or the new, never a part. */
import type { FileLayer } from "./file-layer.ts";

/**
 * Writes `text` beside `path`, syncs it and renames it into place. Calls for one path must not overlap.
 * The rename itself survives a loss of power only after `files.syncDirectory`.
 *
 * @throws the system's error; the old content is then still there.
 */
export async function replaceFile(files: FileLayer, path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  const descriptor = files.open(temporary);
  try {
    files.truncate(descriptor, 0);
    writeWhole(files, descriptor, { bytes: Buffer.from(text), position: 0 });
    await files.sync(descriptor);
  } finally {
    files.close(descriptor);
  }
  files.rename(temporary, path);
}

/** Writes all of `bytes`, going on after a short write; throws where the system takes nothing more. */
export function writeWhole(
  files: FileLayer,
  descriptor: number,
  at: { readonly bytes: Uint8Array; readonly position: number },
): void {
  let done = 0;
  while (done < at.bytes.length) {
    const taken = files.write(descriptor, at.bytes.subarray(done), at.position + done);
    if (taken <= 0) throw new Error(`the system took ${done} of ${at.bytes.length} bytes`);
    done += taken;
  }
}
