/** One line of the journal: composed, hashed, and checked against the line before it. */
import { hash } from "node:crypto";
import type { WrittenRecord } from "./record.ts";

/** `prev` of the very first line. */
export const GENESIS_HASH = "0".repeat(64);
/** What a segment's first line says of the form of all its lines. */
const FORMAT = 1;

const EXCERPT_CHARACTERS = 60;

/** What a line must say to continue the chain. Null: anything, for the first line that retention kept. */
export interface Expected {
  readonly seq: number | null;
  readonly prev: string | null;
  readonly place: "first" | "later";
}

/** A line that does not fit; a value, because readers differ in what they do about it. */
export class LineFault {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  /** The line's content where it could be read at all, so that a check can go on behind it. */
  readonly record: WrittenRecord | null;

  constructor(fault: Pick<LineFault, "what" | "expected" | "found" | "record">) {
    this.what = fault.what;
    this.expected = fault.expected;
    this.found = fault.found;
    this.record = fault.record;
  }

  /** "prev is not the hash of the line before: expected 12ab…, found 34cd…" */
  sentence(): string {
    return `${this.what}: expected ${this.expected}, found ${this.found}`;
  }
}

/**
 * Numbers and chains a serialised record. Cheap on purpose: the record was serialised once, when queued.
 *
 * @param json A JSON object with at least one field, as JSON.stringify prints it.
 * @returns The line without its newline.
 */
export function composeLine(
  json: string,
  link: { readonly seq: number; readonly prev: string; readonly place: "first" | "later" },
): string {
  const format = link.place === "first" ? `"format":${FORMAT},` : "";
  return `{${format}"seq":${link.seq},"prev":"${link.prev}",${json.slice(1)}`;
}

/** Hex SHA-256 of a line without its newline. */
export function hashLine(line: Uint8Array): string {
  return hash("sha256", line);
}

/** The record of a line (without its newline), or why it does not continue the chain. */
export function checkLine(line: Buffer, expected: Expected): WrittenRecord | LineFault {
  const record = parseLine(line);
  if (record === null) {
    const found = JSON.stringify(line.toString("utf8", 0, EXCERPT_CHARACTERS));
    return new LineFault({
      what: "not a record",
      expected: "a JSON object with seq, prev, type and time",
      found,
      record,
    });
  }
  if (expected.seq !== null && record.seq !== expected.seq) {
    return new LineFault({
      what: "seq is not the next number",
      expected: `${expected.seq}`,
      found: `${record.seq}`,
      record,
    });
  }
  if (expected.prev !== null && record.prev !== expected.prev) {
    const what = "prev is not the hash of the line before (that line or this one was changed)";
    return new LineFault({ what, expected: expected.prev, found: record.prev, record });
  }
  if (expected.place === "first" && record.format !== FORMAT) {
    const what = "the segment's first line does not name a format that is known here";
    return new LineFault({
      what,
      expected: `"format":${FORMAT}`,
      found: JSON.stringify(record.format ?? "none"),
      record,
    });
  }
  return record;
}

function parseLine(line: Buffer): (WrittenRecord & { readonly format?: unknown }) | null {
  let value: unknown;
  try {
    value = JSON.parse(line.toString());
  } catch {
    // Where it breaks is of no use to anyone: the caller reports the line's place and its beginning.
    return null;
  }
  return isRecord(value) ? value : null;
}

// Types of later versions pass: what they mean is for whoever folds them.
function isRecord(value: unknown): value is WrittenRecord & { readonly format?: unknown } {
  if (typeof value !== "object" || value === null) return false;
  if (!("seq" in value && "prev" in value && "type" in value && "time" in value)) return false;
  const { seq, prev, type, time } = value;
  return (
    Number.isSafeInteger(seq) &&
    typeof prev === "string" &&
    typeof type === "string" &&
    typeof time === "string"
  );
}
