/** The files that the tidy tests read, and what they look for in them. */
import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

export interface SourceFile {
  /** Relative to the checkout's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/**
 * The files that match any of `patterns`, sorted; never those of node_modules.
 *
 * @throws Error where there is none: a check of nothing must not pass.
 */
export function filesOf(...patterns: readonly string[]): readonly SourceFile[] {
  const exclude = ["**/node_modules/**", "node_modules/**", ".git/**", "data/**"];
  const found = globSync(patterns, { cwd: ROOT, exclude, withFileTypes: true });
  const paths = found
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .toSorted();
  if (paths.length === 0) throw new Error(`no file matches ${patterns.join(" ")}`);
  return paths.map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

export function isTest(file: SourceFile): boolean {
  return file.path.endsWith(".test.ts");
}

/** Line of an offset in `text`, from 1. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
