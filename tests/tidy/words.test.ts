/** What must stand nowhere in the repository: places of one machine, promises, registries, dead links. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import { filesOf, lineOf, type SourceFile } from "./sources.ts";

const EVERYWHERE = filesOf(
  "{bench,bin,deploy,docs,scripts,src,tests}/**/*",
  "*.{md,json}",
  ".*.json",
  ".npmrc",
  ".gitignore",
  ".ci/*",
).filter(({ path }) => path !== "tests/tidy/words.test.ts" && !/\.(?:png|ico|woff2)$/.test(path));
const SOURCE = EVERYWHERE.filter(
  ({ path }) => /^(?:src|bin)\//.test(path) && !/\.test\./.test(path),
);

const FORBIDDEN = [
  {
    what: "a place of one machine",
    pattern: /(?<![\w.])\/(?:work|home|root|Users)\//g,
    in: EVERYWHERE,
  },
  { what: "a temporary folder of one system", pattern: /(?<![\w.])\/tmp\//g, in: SOURCE },
  {
    what: "a promise instead of a change",
    pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/g,
    in: EVERYWHERE,
  },
  {
    what: "a package registry",
    pattern: /\b(?:registry\.npmjs|registry\.yarnpkg|npm\.pkg\.github|pypi\.org|proxy\.golang)/g,
    in: EVERYWHERE,
  },
] as const;

for (const { what, pattern, in: files } of FORBIDDEN) {
  test(`no file holds ${what}`, () => {
    const faults = files.flatMap(({ path, text }) =>
      [...text.matchAll(pattern)].map(
        (found) => `${path}:${lineOf(text, found.index)} ${found[0]}`,
      ),
    );
    assert.deepEqual(faults, []);
  });
}

/** Targets of Markdown links to files of the repository, without their anchors. */
function localLinks({ path, text }: SourceFile): readonly string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target.replace(/#.*$/, ""))
    .filter((target) => target !== "" && !/^[a-z]+:/.test(target))
    .map((target) => posix.join(posix.dirname(path), target));
}

test("every link between pages leads somewhere", () => {
  const pages = EVERYWHERE.filter(({ path }) => path.endsWith(".md"));
  const faults = pages.flatMap((page) =>
    localLinks(page)
      .filter((target) => !existsSync(posix.join(import.meta.dirname, "../..", target)))
      .map((target) => `${page.path} links to ${target}`),
  );
  assert.deepEqual(faults, []);
});
