/** What files and folders are called, how each opens, and which shortcuts must say why. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { filesOf, isTest } from "./sources.ts";

/** Names that say nothing about what is inside. */
const EMPTY_NAMES = new Set([
  "common",
  "constants",
  "helper",
  "helpers",
  "lib",
  "manager",
  "managers",
  "misc",
  "service",
  "services",
  "shared",
  "types",
  "util",
  "utils",
]);
const DISABLED = /(?:oxlint|eslint)-disable[^\n]*/g;
const TYPE_ERROR_ALLOWED = /@ts-(?:ignore|expect-error|nocheck)[^\n]*/g;

const FILES = filesOf("{src,tests,scripts,bench}/**/*.ts");

test("no file and no folder has a name that would take anything", () => {
  const faults = FILES.filter(({ path }) =>
    path.split(/[/.]/).some((part) => EMPTY_NAMES.has(part)),
  );
  assert.deepEqual(
    faults.map(({ path }) => path),
    [],
  );
});

test("every file but a test opens with what it is responsible for", () => {
  const faults = FILES.filter((file) => !isTest(file) && !/^(?:#!.*\n)?\/\*\*\s/.test(file.text));
  assert.deepEqual(
    faults.map(({ path }) => path),
    [],
  );
});

test("a rule that is switched off says which and why on the same line", () => {
  const faults = FILES.flatMap(({ path, text }) =>
    [
      ...[...text.matchAll(DISABLED)].filter(([line]) => !/-disable\S* \S+.* -- \S/.test(line)),
      ...text.matchAll(TYPE_ERROR_ALLOWED),
    ].map(([line]) => `${path}: ${line}`),
  );
  assert.deepEqual(
    faults.filter((fault) => !fault.startsWith("tests/tidy/names.test.ts")),
    [],
  );
});
