/** Turns what the schema finds into faults for people: the field, the value, the remedy. */
import { z } from "zod";
import { isContainer, isWritten, markFaulty, valueAt } from "./draft.ts";
import type { Path } from "./fault.ts";
import type { Suggester } from "./nearest.ts";
import { fileSchema } from "./schema.ts";
import { isSecretField, shown } from "./secrecy.ts";

/** A fault before its place in the file is looked up. */
export interface Finding {
  readonly path: Path;
  /** Which part of the pair at `path` the fault is about. */
  readonly part: "key" | "value";
  readonly message: string;
}

type Issue = z.core.$ZodIssue;

/** What a kind of value is called, and how it is written. */
const KINDS: Readonly<Record<string, readonly [noun: string, remedy: string]>> = {
  string: ["a text", "write one text"],
  number: ["a number", "write digits without quotes"],
  int: ["a whole number", "write digits without quotes or decimals"],
  boolean: ["true or false", "write true or false without quotes"],
  array: ["a list", "write a list, such as [a, b]"],
  object: ["a map", "write keys and values"],
  record: ["a map", "write names and texts"],
};
const LATER_REFERENCE = /^(vault|aws|gcp|azure):/;

/**
 * Explains the schema's issues with `root` and marks the faulty parts of `root`, so that what is left
 * is a draft.
 */
export function explain(issues: readonly Issue[], root: unknown, suggester: Suggester): Finding[] {
  const unknown = issues.filter((issue) => issue.code === "unrecognized_keys");
  // First, because a misspelt required key would else be told twice: as unknown and as missing.
  const findings = unknown.flatMap((issue) => explainUnknownKeys(issue, root, suggester));
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys") continue;
    const path = issue.path.filter((segment) => typeof segment !== "symbol");
    const value = valueAt(root, path);
    const parent = valueAt(root, path.slice(0, -1));
    const wasTold =
      value === undefined && isContainer(parent) && isWritten(parent, String(path.at(-1)));
    if (wasTold) continue;
    const part = issue.code === "invalid_key" ? "key" : "value";
    findings.push({ path, part, message: messageOf(issue, { path, value }, suggester) });
  }
  for (const { path } of findings) markFaulty(root, path);
  return findings;
}

function explainUnknownKeys(
  issue: z.core.$ZodIssueUnrecognizedKeys,
  root: unknown,
  suggester: Suggester,
): Finding[] {
  const container = issue.path.filter((segment) => typeof segment !== "symbol");
  const valid = keysAt(container);
  const map = valueAt(root, container);
  return issue.keys.map((key) => {
    const slip = suggester.slipOf(key, valid);
    if (slip !== null && isContainer(map) && !isWritten(map, slip))
      markFaulty(root, [...container, slip]);
    const message = `unknown key ${shown(key)}: ${suggester.remedy(key, valid)}`;
    return { path: [...container, key], part: "key", message };
  });
}

/** The keys that the schema knows for the map at `path`. */
function keysAt(path: Path): string[] {
  let schema = bare(fileSchema);
  for (const segment of path) {
    if (schema instanceof z.ZodArray) schema = bare(schema.element);
    else if (schema instanceof z.ZodObject) schema = bare(schema.shape[segment]);
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function bare(schema: unknown): unknown {
  let inner = schema;
  while (
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault
  ) {
    inner = inner.unwrap();
  }
  return inner;
}

interface Faulty {
  readonly path: Path;
  readonly value: unknown;
  /** The value as it may be shown: never a secret. */
  readonly said: string;
  readonly isSecret: boolean;
}

function messageOf(issue: Issue, at: { path: Path; value: unknown }, suggester: Suggester): string {
  if (at.value === null) return "is empty: write a value, or leave the key out";
  if (at.value === undefined) return "is required: add it";
  const isSecret = isSecretField(at.path);
  const faulty = { ...at, isSecret, said: isSecret ? "it" : shown(at.value) };
  const { said } = faulty;
  switch (issue.code) {
    case "invalid_type":
      return typeMessage(issue, faulty);
    case "invalid_value":
      return `${said} is not known here: ${valueRemedy(at.value, issue.values, suggester)}`;
    case "too_small":
    case "too_big":
      return sizeMessage(issue, said);
    case "invalid_key":
      return `${shown(at.path.at(-1))} ${issue.issues[0]?.message ?? "is not a name"}`;
    case "custom":
    case "invalid_format":
    case "invalid_element":
    case "invalid_union":
    case "not_multiple_of":
    case "unrecognized_keys":
      return formMessage(issue.message, faulty, suggester);
  }
}

function valueRemedy(value: unknown, valid: readonly unknown[], suggester: Suggester): string {
  const names = valid.filter((name) => typeof name === "string");
  if (names.length < valid.length) return `write ${valid.map(shown).join(" or ")}`;
  return suggester.remedy(typeof value === "string" ? value : "", names);
}

function sizeMessage(
  issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
  said: string,
): string {
  if (issue.code === "too_big") return `${said} is too big: write at most ${issue.maximum}`;
  return `${said} is too small: write ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`;
}

function typeMessage(
  { expected, message }: z.core.$ZodIssueInvalidType,
  { value, said }: Faulty,
): string {
  const [noun, remedy] = KINDS[expected] ?? [expected, `write ${expected}`];
  if (!isContainer(value)) {
    return expected === "string" ? `${said} ${message}` : `${said} is not ${noun}: ${remedy}`;
  }
  const found = Array.isArray(value) ? "a list" : "a map";
  return `is ${found}, not ${noun}: ${remedy}`;
}

/** `message` is the schema's own and continues a sentence that begins with the value. */
function formMessage(message: string, faulty: Faulty, suggester: Suggester): string {
  const { value, path, said, isSecret } = faulty;
  if (typeof value !== "string") return `${said} ${message}`;
  const later = isSecret ? LATER_REFERENCE.exec(value) : null;
  if (later !== null) {
    return `${later[0]} references are not available yet: write env:NAME or file:PATH`;
  }
  const zone = path.at(-1) === "time_zone" ? suggester.slipOf(value, timeZones()) : null;
  if (zone === null) return `${said} ${message}`;
  return `${said} ${message.slice(0, message.indexOf(":"))}: did you mean ${shown(zone)}?`;
}

function timeZones(): string[] {
  return Intl.supportedValuesOf("timeZone");
}
