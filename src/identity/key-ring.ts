/** Which virtual key a secret belongs to. Knows only keyed hashes; a secret is never kept. */
import { hash as digest } from "node:crypto";
import type { VirtualKeyId } from "../core/ids.ts";

/** One secret by which a key is known, and until when (null: no end). */
export interface KeyHash {
  /** HMAC-SHA-256 of the secret under the pepper, in hex. */
  readonly hash: string;
  readonly untilMs: number | null;
}

/** What API and CLI have done to a key's secret; folded from the journal's `admin_change` records. */
export interface KeyChanges {
  /** Hashes given by `create` and `rotate`, the newest last. */
  readonly given: readonly KeyHash[];
  /** Hashes that a rotation has replaced for good: a secret of the file that is one of them is void. */
  readonly replaced: readonly KeyHash[];
  readonly revokedMs: number | null;
}

export const NO_CHANGES: KeyChanges = { given: [], replaced: [], revokedMs: null };

export interface KeyEntry {
  readonly virtualKey: VirtualKeyId;
  readonly hash: string;
  readonly untilMs: number | null;
  readonly revoked: boolean;
}

export type Identified =
  | { readonly state: "known"; readonly virtualKey: VirtualKeyId }
  | { readonly state: "unknown" }
  | { readonly state: "revoked"; readonly virtualKey: VirtualKeyId };

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
/** Longer ones are no keys, and are hashed all the same. */
const SECRET_BYTES_MAX = 256;
const UTF8_BYTES_PER_UNIT = 3;

/** Hashes secrets under the node's pepper. */
export class Hasher {
  /** The pepper's padded block, and room for what is hashed behind it. */
  readonly #outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);
  readonly #inner = Buffer.alloc(BLOCK_BYTES + SECRET_BYTES_MAX);

  constructor(pepper: Buffer) {
    const key = pepper.length > BLOCK_BYTES ? digest("sha256", pepper, "buffer") : pepper;
    const block = Buffer.alloc(BLOCK_BYTES);
    key.copy(block);
    for (let at = 0; at < BLOCK_BYTES; at++) this.#outer[at] = (block[at] ?? 0) ^ OUTER_PAD;
    this.#inner.set(block.map((byte) => byte ^ INNER_PAD));
  }

  /**
   * HMAC-SHA-256 (RFC 2104) in hex: one-way, and useless without the pepper. Two plain hashes, because
   * an Hmac object costs several times them.
   */
  hash(secret: string): string {
    // "binary" text is a digest's bytes, without a buffer made for them.
    this.#outer.write(this.#innerDigest(secret), BLOCK_BYTES, "binary");
    return digest("sha256", this.#outer, "hex");
  }

  #innerDigest(secret: string): string {
    const inner = this.#inner;
    if (secret.length * UTF8_BYTES_PER_UNIT > SECRET_BYTES_MAX) {
      const bytes = Buffer.concat([inner.subarray(0, BLOCK_BYTES), Buffer.from(secret)]);
      return digest("sha256", bytes, "binary");
    }
    const end = BLOCK_BYTES + inner.write(secret, BLOCK_BYTES);
    const hashed = digest("sha256", inner.subarray(0, end), "binary");
    // No secret stays in memory.
    inner.fill(0, BLOCK_BYTES, end);
    return hashed;
  }
}

/** All keys of a configuration; immutable, replaced whole when one of them changes. */
export class KeyRing {
  readonly #byHash = new Map<string, KeyEntry>();
  readonly #hasher: Hasher;

  constructor(hasher: Hasher, entries: Iterable<KeyEntry>) {
    this.#hasher = hasher;
    for (const entry of entries) this.#byHash.set(entry.hash, entry);
  }

  /** Finds a secret's key. A rotated secret counts until its overlap ends. */
  identify(secret: string, nowMs: number): Identified {
    // A look-up's timing tells of hashes alone, and nobody without the pepper can choose one.
    const entry = this.#byHash.get(this.#hasher.hash(secret));
    if (entry === undefined) return { state: "unknown" };
    const { virtualKey } = entry;
    const ended = entry.revoked || (entry.untilMs !== null && nowMs >= entry.untilMs);
    return { state: ended ? "revoked" : "known", virtualKey };
  }
}

/** The entries of one key: its secret in the file, where that still counts, and those given since. */
export function keyEntries(key: {
  readonly id: VirtualKeyId;
  readonly fileHash: string | null;
  readonly changes: KeyChanges;
}): KeyEntry[] {
  const { given, replaced, revokedMs } = key.changes;
  const hashes = [...replaced, ...given];
  if (key.fileHash !== null && !hashes.some(({ hash }) => hash === key.fileHash))
    hashes.push({ hash: key.fileHash, untilMs: null });
  return hashes.map((entry) => ({ virtualKey: key.id, ...entry, revoked: revokedMs !== null }));
}
