/** The prompt cache as a provider keeps it: prefixes that end at a marker, for 5 minutes or an hour. */
import { createHash } from "node:crypto";
import type { Clock } from "../../core/time.ts";
import { readCacheTtl } from "./json.ts";
import type { CacheTtl } from "./json.ts";
import type { Block, RehearsalRequest } from "./request.ts";

/** Tokens of a request by how they are charged; they add up to `total`. */
export interface InputTokens {
  readonly total: number;
  readonly plain: number;
  readonly read: number;
  readonly write5m: number;
  readonly write1h: number;
}

/** The end of one block: everything up to here is one prefix. */
interface Position {
  readonly digest: string;
  readonly tokens: number;
  readonly marker: CacheTtl | null;
}

interface Entry {
  readonly ttl: CacheTtl;
  readonly expiresMs: number;
}

const BYTES_PER_TOKEN = 4;
const ENTRIES_MAX = 2_000;
const TTL_MS: Readonly<Record<CacheTtl, number>> = { "5m": 300_000, "1h": 3_600_000 };
/** Anthropic, "Prompt caching": shorter prefixes are not cached; 20 blocks before a marker are tried. */
const PREFIX_TOKENS_MIN = 1_024;
const LOOK_BACK_BLOCKS = 20;

/** Estimated tokens of a text: its UTF-8 bytes by four, rounded up. */
export function tokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
}

/** Tokens of the whole input of a request. */
export function inputTokensOf(request: RehearsalRequest): number {
  return positionsOf(request).at(-1)?.tokens ?? 0;
}

/** Remembers what was cached; the least recently used prefix is forgotten beyond 2,000. */
export class PromptCache {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Charges a request: reads the longest known prefix, writes up to each later marker. */
  charge(request: RehearsalRequest): InputTokens {
    const positions = positionsOf(request);
    const total = positions.at(-1)?.tokens ?? 0;
    const hit = this.#longestHit(positions);
    const read = hit < 0 ? 0 : (positions[hit]?.tokens ?? 0);
    const written: Record<CacheTtl, number> = { "5m": 0, "1h": 0 };
    let upTo = read;
    positions.forEach((position, index) => {
      if (!isCacheable(position)) return;
      // Whatever lies within what was read is used with it, and lives on.
      this.#keep(position.digest, position.marker);
      if (index <= hit) return;
      written[position.marker] += position.tokens - upTo;
      upTo = position.tokens;
    });
    return { total, plain: total - upTo, read, write5m: written["5m"], write1h: written["1h"] };
  }

  #longestHit(positions: readonly Position[]): number {
    for (let marker = positions.length - 1; marker >= 0; marker--) {
      const marked = positions[marker];
      if (marked === undefined || !isCacheable(marked)) continue;
      for (let back = marker; back >= Math.max(0, marker - LOOK_BACK_BLOCKS); back--) {
        if (this.#isKnown(positions[back]?.digest ?? "")) return back;
      }
    }
    return -1;
  }

  #isKnown(digest: string): boolean {
    const entry = this.#entries.get(digest);
    if (entry === undefined || entry.expiresMs <= this.#clock.monotonicMs()) return false;
    this.#keep(digest, entry.ttl);
    return true;
  }

  #keep(digest: string, ttl: CacheTtl): void {
    this.#entries.delete(digest);
    this.#entries.set(digest, { ttl, expiresMs: this.#clock.monotonicMs() + TTL_MS[ttl] });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > ENTRIES_MAX && oldest !== undefined) this.#entries.delete(oldest);
  }
}

function isCacheable(position: Position): position is Position & { readonly marker: CacheTtl } {
  return position.marker !== null && position.tokens >= PREFIX_TOKENS_MIN;
}

function positionsOf(request: RehearsalRequest): readonly Position[] {
  const turns = request.turns.flatMap(({ role, blocks }) =>
    blocks.map((block) => ({ role, block })),
  );
  const parts: readonly { readonly role: string; readonly block: Block }[] = [
    ...request.toolBlocks.map((block) => ({ role: "tools", block })),
    ...request.system.map((block) => ({ role: "system", block })),
    ...turns,
  ];
  let digest = request.model;
  let tokens = 0;
  return parts.map(({ role, block }, index) => {
    // Markers move from turn to turn; what they mark stays the same prefix.
    const { cache_control: _, ...content } = block;
    const text = JSON.stringify(content);
    digest = createHash("sha256").update(digest).update(role).update(text).digest("base64");
    tokens += tokensOf(text);
    const last = index === parts.length - 1;
    return { digest, tokens, marker: readCacheTtl(block) ?? (last ? request.cacheAll : null) };
  });
}
