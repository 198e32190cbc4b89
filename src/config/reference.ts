/** Resolves secret references: `env:NAME` and `file:PATH`. What it says never holds a secret. */
import { resolve } from "node:path";
import type { Suggester } from "./nearest.ts";
import { looksSecret, shown } from "./secrecy.ts";

export type Environment = Readonly<Record<string, string | undefined>>;
/** Gives a file's text; throws where it cannot. */
export type ReadFile = (path: string) => string;

type Resolution =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly message: string };

export interface References {
  /** Resolves `env:NAME` or `file:PATH`; each reference is read once. Never throws. */
  readonly resolve: (reference: string) => Resolution;
  /** The absolute path that `file:PATH` names. */
  readonly pathOf: (reference: string) => string;
}

/** `folder` is what relative paths count from. */
export function createReferences(from: {
  readonly environment: Environment;
  readonly readFile: ReadFile;
  readonly folder: string;
  readonly suggester: Suggester;
}): References {
  const resolutions = new Map<string, Resolution>();
  const pathOf = (reference: string): string =>
    resolve(from.folder, reference.slice("file:".length));
  const resolveOnce = (reference: string): Resolution => {
    const known = resolutions.get(reference);
    if (known !== undefined) return known;
    const resolution = reference.startsWith("env:")
      ? fromEnvironment(reference.slice("env:".length), from.environment, from.suggester)
      : fromFile(reference, pathOf(reference), from.readFile);
    resolutions.set(reference, resolution);
    return resolution;
  };
  return { resolve: resolveOnce, pathOf };
}

function fromEnvironment(name: string, environment: Environment, suggester: Suggester): Resolution {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || looksSecret(name)) {
    return { ok: false, message: "env: is not followed by the name of a variable: write env:NAME" };
  }
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  if (value !== undefined && value !== "") return { ok: true, value };
  const state = value === undefined ? "not set" : "empty";
  const near = value === undefined ? suggester.slipOf(name, Object.keys(environment)) : null;
  const remedy = near === null ? "set it before the start" : `did you mean ${shown(near)}?`;
  return { ok: false, message: `the variable ${name} is ${state}: ${remedy}` };
}

function fromFile(reference: string, path: string, readFile: ReadFile): Resolution {
  try {
    const value = readFile(path).replace(/[\r\n]+$/, "");
    if (value !== "") return { ok: true, value };
    return { ok: false, message: `${shown(reference)} is an empty file: write the secret into it` };
  } catch (cause) {
    const why = reasonOf(cause);
    return {
      ok: false,
      message: `${shown(reference)} cannot be read (${why}): check path and permissions`,
    };
  }
}

/** The system's code for why a file could not be read ("ENOENT"), which names nothing else. */
export function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : null;
  return typeof code === "string" && /^[A-Z_0-9]+$/.test(code) ? code : "unreadable";
}
