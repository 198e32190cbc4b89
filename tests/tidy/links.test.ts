/** Every link of a page to another one leads to a file that is there, and to a heading that it has. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import { filesOf, lineOf, type SourceFile } from "./sources.ts";

const ROOT = posix.join(import.meta.dirname, "../..");
const PAGES = filesOf("*.md", "{bench,bin,deploy,docs,scripts,src,tests}/**/*.md");
const FENCED = /^```[^]*?^```/gm;
const LINK = /\]\(([^)\s]+)\)/g;
const HEADING = /^#{1,6} (.+)$/gm;
const IS_ELSEWHERE = /^[a-z]+:/;

interface Link {
  readonly from: string;
  /** Path relative to the root. */
  readonly file: string;
  /** "" where it names no heading. */
  readonly anchor: string;
}

/** What is in fences is an example: neither its links nor its headings are the page's. */
function prose({ text }: SourceFile): string {
  return text.replace(FENCED, (block) => block.replace(/[^\n]/g, ""));
}

function linksOf(page: SourceFile): readonly Link[] {
  const text = prose(page);
  return [...text.matchAll(LINK)]
    .filter(([, target = ""]) => !IS_ELSEWHERE.test(target))
    .map(({ 1: target = "", index }) => {
      const [path = "", anchor = ""] = target.split("#");
      const file = path === "" ? page.path : posix.join(posix.dirname(page.path), path);
      return { from: `${page.path}:${lineOf(text, index)}`, file, anchor };
    });
}

/** As code hosts make it: lower case, no punctuation, hyphens for spaces. */
function anchorOf(heading: string): string {
  const kept = heading.toLowerCase().replace(/[^\p{L}\p{N}_\- ]/gu, "");
  return kept.replaceAll(" ", "-");
}

function anchorsOf(page: SourceFile): ReadonlySet<string> {
  return new Set([...prose(page).matchAll(HEADING)].map(([, text = ""]) => anchorOf(text)));
}

test("every link leads to a file of the repository", () => {
  const links = PAGES.flatMap(linksOf);
  assert.ok(links.length > 0);
  const faults = links.filter(({ file }) => !existsSync(posix.join(ROOT, file)));
  assert.deepEqual(
    faults.map(({ from, file }) => `${from} links to ${file}`),
    [],
  );
});

test("every link to a heading leads to one", () => {
  const anchors = new Map(PAGES.map((page) => [page.path, anchorsOf(page)]));
  const faults = PAGES.flatMap(linksOf).filter(
    ({ file, anchor }) => anchor !== "" && anchors.get(file)?.has(anchor) !== true,
  );
  assert.deepEqual(
    faults.map(({ from, file, anchor }) => `${from} links to ${file}#${anchor}`),
    [],
  );
});

test("every page can be reached from the README", () => {
  const byPath = new Map(PAGES.map((page) => [page.path, page]));
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const page = byPath.get(path);
    if (page === undefined || reached.has(path)) return;
    reached.add(path);
    for (const { file } of linksOf(page)) visit(file);
  };
  visit("README.md");
  const pages = PAGES.map(({ path }) => path).filter((path) => !path.startsWith("docs/decisions/"));
  assert.deepEqual(
    pages.filter((path) => !reached.has(path)),
    [],
  );
});
