/** Which boot of the machine wrote the journal last: tells a loss of power from a killed process. */
import { join } from "node:path";
import type { FileLayer } from "./file-layer.ts";
import { readIfThere } from "./layout.ts";
import { replaceFile } from "./replace-file.ts";

/** Linux, random(4). */
const BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id";

/** The id of this boot; null where the system has none, and then a loss of power is never noticed. */
export function currentBootId(): string | null {
  return readIfThere(BOOT_ID_PATH)?.trim() ?? null;
}

/** The boot that wrote this journal last; null where none was kept. */
export function keptBootId(directory: string): string | null {
  return readIfThere(bootPath(directory))?.trim() ?? null;
}

export async function keepBootId(
  files: FileLayer,
  directory: string,
  bootId: string,
): Promise<void> {
  await replaceFile(files, bootPath(directory), `${bootId}\n`);
}

function bootPath(directory: string): string {
  return join(directory, "boot");
}
