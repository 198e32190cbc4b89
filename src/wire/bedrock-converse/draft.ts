/** One request to Converse while it is written: what its model takes, what it lost, where it may be cached. */
import type { EgressContext, Quirk } from "../egress.ts";
import { Losing } from "./losses.ts";

export type Block = Readonly<Record<string, unknown>>;

/** Claude by any of its names: a model id, an inference profile, a name at a custom endpoint. */
const CLAUDE = /anthropic|claude/i;
const NOVA = /amazon\.nova/i;
/** Claude from 4.5 on. Source: Amazon Bedrock user guide, "Prompt caching", 2026-11. */
const CACHES_AN_HOUR = /claude-(?:[a-z]+-4-[5-9]|[a-z]+-(?:[5-9]|\d\d)(?!\d))/i;

/** More are refused. */
const CACHE_POINTS_MAX = 4;

export class Draft {
  readonly losing: Losing;
  readonly isClaude: boolean;
  readonly #isNova: boolean;
  readonly #cachesAnHour: boolean;
  readonly #quirks: ReadonlySet<Quirk>;
  readonly #points: { readonly list: Block[]; readonly point: Block }[] = [];
  readonly #documentNames = new Set<string>();

  constructor(context: EgressContext) {
    this.losing = new Losing(context);
    this.isClaude = CLAUDE.test(context.model);
    this.#isNova = NOVA.test(context.model);
    this.#cachesAnHour = CACHES_AN_HOUR.test(context.model);
    this.#quirks = context.quirks;
  }

  has(quirk: Quirk): boolean {
    return this.#quirks.has(quirk);
  }

  /**
   * Lets the prompt be cached as far as `list` has come. Called in the order of the prompt: tools, system,
   * messages. Nova caches no tools.
   */
  cacheHere(list: Block[], part: "tools" | "system" | "messages", ttl?: "1h"): void {
    if (!this.isClaude && !(this.#isNova && part !== "tools")) {
      this.losing.lose("cache_control");
      return;
    }
    const last = list.at(-1);
    if (last === undefined || "cachePoint" in last) return;
    const takesTtl = ttl !== undefined && this.#cachesAnHour;
    if (ttl !== undefined && !takesTtl) this.losing.lose("cache_control.ttl");
    const point = { cachePoint: { type: "default", ...(takesTtl ? { ttl } : {}) } };
    list.push(point);
    this.#points.push({ list, point });
  }

  /** The later a point, the more it covers: the first ones go. */
  limitCachePoints(): void {
    for (const { list, point } of this.#points.slice(0, -CACHE_POINTS_MAX)) {
      list.splice(list.indexOf(point), 1);
      this.losing.lose("cache_control");
    }
  }

  /** A document's name: of the characters that Bedrock takes, and no other document's. */
  documentName(title: string | null): string {
    const plain = (title ?? "")
      .replaceAll(/[^\w\s()[\]-]|_/g, " ")
      .replaceAll(/\s+/g, " ")
      .trim()
      .slice(0, DOCUMENT_NAME_MAX_CHARACTERS);
    if (title !== null && plain !== title) this.losing.lose("document.title");
    const base = plain === "" ? "document" : plain;
    let name = base;
    for (let number = 2; this.#documentNames.has(name); number++) name = `${base} (${number})`;
    this.#documentNames.add(name);
    return name;
  }
}

/** Bedrock takes 200; a number may follow. */
const DOCUMENT_NAME_MAX_CHARACTERS = 180;
