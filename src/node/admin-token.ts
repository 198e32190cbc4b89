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
  /** Makes a new token, which alone is right from now on. Null: the configuration sets the token. */
  readonly reset: () => string | null;
}

const FILE = "admin-token";
const RANDOM_CHARACTERS = 43;

/** @param configured the token of file or environment; null: `{data_dir}/admin-token` has its hash. */
export function adminToken(dataDir: string, configured: string | null, hasher: Hasher): AdminToken {
  const kept = configured === null ? readPrivate(join(dataDir, FILE)) : hasher.hash(configured);
  let madeNow: string | null = null;
  if (kept === null) madeNow = newAdminToken(dataDir, hasher);
  let verify = verifier(kept ?? hasher.hash(madeNow ?? ""), hasher);
  return {
    verify: (presented) => verify(presented),
    madeNow,
    reset: () => {
      if (configured !== null) return null;
      const token = newAdminToken(dataDir, hasher);
      verify = verifier(hasher.hash(token), hasher);
      return token;
    },
  };
}

/** Makes a new token and keeps its hash alone; a gateway that does not run takes it at its next start. */
export function newAdminToken(dataDir: string, hasher: Hasher): string {
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
