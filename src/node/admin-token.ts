/** The control API's admin token: configured, or made once and kept as a hash alone. */
import { timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { randomBase62 } from "../core/ids.ts";
import type { Hasher } from "../identity/key-ring.ts";
import { readPrivate, writePrivate } from "./private-file.ts";

export interface AdminToken {
  /** Whether `presented` is the token; takes as long whether it is or not. */
  readonly verify: (presented: string) => boolean;
  /** The token itself at the start that made it; else null. */
  readonly madeNow: string | null;
}

const FILE = "admin-token";
const RANDOM_CHARACTERS = 43;

/** @param configured the token of file or environment; null: `{data_dir}/admin-token` has its hash. */
export function adminToken(dataDir: string, configured: string | null, hasher: Hasher): AdminToken {
  const kept = configured === null ? readPrivate(join(dataDir, FILE)) : hasher.hash(configured);
  if (kept !== null) return { verify: verifier(kept, hasher), madeNow: null };
  const token = newAdminToken(dataDir, hasher);
  return { verify: verifier(hasher.hash(token), hasher), madeNow: token };
}

/** Makes a new token and keeps its hash; the one before is void from the next start on. */
function newAdminToken(dataDir: string, hasher: Hasher): string {
  const token = `tga_${randomBase62(RANDOM_CHARACTERS)}`;
  writePrivate(dataDir, FILE, hasher.hash(token));
  return token;
}

function verifier(expected: string, hasher: Hasher): (presented: string) => boolean {
  const wanted = Buffer.from(expected, "latin1");
  return (presented) => {
    const given = Buffer.from(hasher.hash(presented), "latin1");
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  };
}
