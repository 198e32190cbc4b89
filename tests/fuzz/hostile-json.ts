/** Random JSON bodies meant to trip a scanner: odd spellings, runs of backslashes, cuts and damage. */

/** A small seeded generator (mulberry32): the same seed makes the same bodies. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** An integer from 0 to `below` − 1. */
  int(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  }
  chance(percent: number): boolean {
    return this.int(100) < percent;
  }
  pick<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.int(items.length)] ?? items[0];
  }
}

export interface HostileBody {
  readonly bytes: Buffer;
  /** Some object repeats a key. */
  readonly hasRepeats: boolean;
  /** Bytes were changed after it was well-formed. */
  readonly isDamaged: boolean;
}

const TOP_KEYS = [
  "model",
  "stream",
  "max_tokens",
  "thinking",
  "metadata",
  "tools",
  "tool_choice",
  "speed",
  "inference_geo",
  "service_tier",
  "context_management",
  "output_config",
  "mcp_servers",
  "cache_control",
  "fallbacks",
  "container",
  "system",
  "messages",
  "thread",
  "compaction",
  "x",
  "modelx",
  "mode",
  "",
  "tool",
] as const;
const NESTED_KEYS = [
  "type",
  "cache_control",
  "ttl",
  "max_uses",
  "model",
  "input",
  "input_schema",
  "content",
  "source",
  "file_id",
  "encrypted_content",
  "encrypted_stdout",
  "caching",
  "definition",
  "input_examples",
  "text",
  "typ",
  "types",
  "role",
  "a",
  "",
  "edits",
  "max_tokens",
  "speed",
  "name",
] as const;
const TYPES = [
  "text",
  "image",
  "document",
  "tool_use",
  "tool_result",
  "thinking",
  "ephemeral",
  "base64",
  "url",
  "file",
  "custom",
  "web_search_20250305",
  "advisor_20260301",
  "bash_20250124",
  "compact_20260112",
  "clear_thinking_20251015",
  "object",
  "texts",
  "tool_user",
  "tool_resulu",
  "imagf",
  "container_upload",
  "tool_definition",
  "direct",
] as const;
const SCALARS = [
  "null",
  "true",
  "false",
  "0",
  "-1",
  "5",
  "1e3",
  "12.5E-2",
  "-0",
  "128000",
  '"5m"',
  '"1h"',
  '"5"',
  '""',
] as const;
const SPACES = ["", "", "", "", " ", "\n", "\t\r\n ", "                                "] as const;
const PIECES = [
  "\\\\",
  '\\"',
  "\\n",
  "\\u0022",
  "\\u005c",
  "\\ud83d\\ude00",
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  '\\"type\\":\\"image\\"',
  "é",
  "漢",
  "😀",
  "a",
  " ",
  "\\/",
  "plain words in between",
  "\\\\\\\\",
  "\\u0041",
] as const;
const DAMAGE = [
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  "\0",
  "\n",
  "\u0001",
  "1",
  "e",
  "-",
  "t",
  " ",
  "é",
  "\u001a",
] as const;

/** Makes one body from the generator's next numbers. */
export function hostileBody(random: Random): HostileBody {
  const maker = new Maker(random);
  const text = maker.body();
  const bytes = Buffer.from(text);
  if (!random.chance(40)) return { bytes, hasRepeats: maker.hasRepeats, isDamaged: false };
  return { bytes: damage(bytes, random), hasRepeats: maker.hasRepeats, isDamaged: true };
}

/** Cuts a body into chunks at random places; some are empty. */
export function chunksOf(bytes: Buffer, random: Random): Buffer[] {
  const cuts = [0, bytes.length];
  for (let count = random.int(4); count > 0; count--) cuts.push(random.int(bytes.length + 1));
  cuts.sort((left, right) => left - right);
  return cuts.slice(1).map((cut, index) => bytes.subarray(cuts[index], cut));
}

function damage(bytes: Buffer, random: Random): Buffer {
  const at = random.int(bytes.length + 1);
  const until = Math.min(bytes.length, at + random.int(5));
  const insert = Buffer.from(random.pick(DAMAGE));
  switch (random.int(5)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(until)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + 1)]);
    default:
      return Buffer.concat([bytes, insert]);
  }
}

class Maker {
  readonly #random: Random;
  readonly #mayRepeat: boolean;
  #left: number;
  hasRepeats = false;

  constructor(random: Random) {
    this.#random = random;
    this.#mayRepeat = random.chance(15);
    this.#left = 1 + random.int(random.chance(10) ? 60 : 14);
  }

  body(): string {
    const members: string[] = [];
    const seen = new Set<string>();
    for (let count = this.#random.int(6); count > 0; count--) {
      const key = this.#random.pick(TOP_KEYS);
      if (seen.has(key)) {
        if (!this.#random.chance(4)) continue;
        this.hasRepeats = true;
      }
      seen.add(key);
      members.push(this.#member(key, this.#topValue(key)));
    }
    return `${this.#space()}{${this.#space()}${members.join(`${this.#space()},${this.#space()}`)}${this.#space()}}${this.#space()}`;
  }

  #space(): string {
    return this.#random.pick(SPACES);
  }

  #member(key: string, value: string): string {
    return `${this.#key(key)}${this.#space()}:${this.#space()}${value}`;
  }

  #key(key: string): string {
    if (!this.#random.chance(6)) return JSON.stringify(key);
    const letters = Array.from(key).map((letter) =>
      this.#random.chance(30) ? escaped(letter, this.#random) : letter,
    );
    return `"${letters.join("")}"`;
  }

  #string(): string {
    let text = "";
    for (let count = this.#random.int(8); count > 0; count--) text += this.#random.pick(PIECES);
    if (this.#random.chance(10)) text += "x".repeat(this.#random.int(130));
    if (this.#random.chance(10)) text += "\\\\".repeat(this.#random.int(66));
    return `"${text}"`;
  }

  #topValue(key: string): string {
    if (this.#random.chance(10)) return this.#value();
    switch (key) {
      case "messages":
        return this.#list(() =>
          this.#object(["content", "role"], () => this.#list(() => this.#block())),
        );
      case "tools":
        return this.#list(() =>
          this.#object(["type", "name", "input_schema", "max_uses", "model", "cache_control"]),
        );
      case "mcp_servers":
        return this.#list(() => this.#object(["type", "url", "name"]));
      case "context_management":
        return this.#object(["edits"], () => this.#list(() => this.#object(["type"])));
      default:
        return this.#value();
    }
  }

  #block(): string {
    return this.#object(["type", "text", "input", "source", "cache_control", "content"]);
  }

  #value(): string {
    this.#left -= 1;
    if (this.#left <= 0 || this.#random.chance(25)) return this.#random.pick(SCALARS);
    if (this.#random.chance(35)) return this.#string();
    return this.#random.chance(35) ? this.#list(() => this.#value()) : this.#object(NESTED_KEYS);
  }

  #list(entry: () => string): string {
    const entries: string[] = [];
    for (let count = this.#random.int(4); count > 0 && this.#left > 0; count--)
      entries.push(entry());
    return `[${this.#space()}${entries.join(`,${this.#space()}`)}]`;
  }

  #object(keys: readonly [string, ...string[]], contentOf?: () => string): string {
    this.#left -= 1;
    const members: string[] = [];
    const seen = new Set<string>();
    for (let count = this.#random.int(5); count > 0; count--) {
      const key = this.#random.chance(80)
        ? this.#random.pick(keys)
        : this.#random.pick(NESTED_KEYS);
      if (seen.has(key)) {
        if (!this.#mayRepeat) continue;
        this.hasRepeats = true;
      }
      seen.add(key);
      members.push(this.#member(key, this.#memberValue(key, contentOf)));
    }
    return `{${this.#space()}${members.join(`${this.#space()},${this.#space()}`)}${this.#space()}}`;
  }

  #memberValue(key: string, contentOf?: () => string): string {
    if (key === "type" && this.#random.chance(90)) return this.#key(this.#random.pick(TYPES));
    if (contentOf !== undefined && (key === "content" || key === "edits")) return contentOf();
    return this.#value();
  }
}

function escaped(letter: string, random: Random): string {
  const code = letter.charCodeAt(0).toString(16).padStart(4, "0");
  return `\\u${random.chance(50) ? code : code.toUpperCase()}`;
}
