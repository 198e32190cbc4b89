/** Small secrets of a node, each in a file of its own that only its user can read. */
import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Hasher } from "../identity/key-ring.ts";
import { newSecret } from "../identity/secret.ts";

const PRIVATE_MODE = 0o600;
const PEPPER_BYTES = 32;

/** The text of `{data_dir}/name`, made by `make` where there is no such file. */
function privateText(dataDir: string, name: string, make: () => string): string {
  const path = join(dataDir, name);
  const kept = readPrivate(path);
  if (kept !== null) return kept;
  const text = make();
  writePrivate(dataDir, name, text);
  return text;
}

/** Writes `{data_dir}/name` whole or not at all, whatever was there. */
export function writePrivate(dataDir: string, name: string, text: string): void {
  const path = join(dataDir, name);
  const unfinished = `${path}.tmp`;
  rmSync(unfinished, { force: true });
  writeFileSync(unfinished, `${text}\n`, { mode: PRIVATE_MODE });
  renameSync(unfinished, path);
}

/** The trimmed text of a file; null where there is none. */
export function readPrivate(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Hashes under the node's pepper, `{data_dir}/pepper`: without it, hashes of keys are worth nothing. */
export function nodeHasher(dataDir: string): Hasher {
  const hex = privateText(dataDir, "pepper", () => randomBytes(PEPPER_BYTES).toString("hex"));
  return new Hasher(Buffer.from(hex, "hex"));
}

/** The secret of the default configuration's one virtual key, kept in `{data_dir}/default-key`. */
export function defaultKey(dataDir: string): string {
  return privateText(dataDir, "default-key", newSecret);
}
