/** No test file is forgotten: each is run by exactly one step of the checks. */
import assert from "node:assert/strict";
import { matchesGlob } from "node:path";
import { test } from "node:test";
import { TEST_FILES, type TestFiles } from "../../scripts/checks/test-files.ts";
import { filesOf } from "./sources.ts";

const LOOKS_LIKE_A_TEST = /(?:^|[/._-])(?:test|spec)\.[cm]?[jt]sx?$/;

function runs({ include, except }: TestFiles, path: string): boolean {
  const matches = (pattern: string) => matchesGlob(path, pattern);
  return include.some(matches) && !except.some(matches);
}

function stepsThatRun(path: string): readonly string[] {
  return Object.entries(TEST_FILES)
    .filter(([, files]) => runs(files, path))
    .map(([name]) => name);
}

test("every file that looks like a test is run by exactly one step", () => {
  const tests = filesOf("**/*.{ts,tsx,mts,cts,js,mjs,cjs,jsx}").filter(({ path }) =>
    LOOKS_LIKE_A_TEST.test(path),
  );
  assert.ok(tests.length > 0);
  const faults = tests.filter(({ path }) => stepsThatRun(path).length !== 1);
  assert.deepEqual(
    faults.map(({ path }) => path),
    [],
  );
});

test("every file that declares tests at its top level is called one", () => {
  const files = filesOf("{src,tests,scripts,bench}/**/*.ts");
  const faults = files.filter(
    ({ path, text }) => /^(?:test|it|describe|suite)\(/m.test(text) && !path.endsWith(".test.ts"),
  );
  assert.deepEqual(
    faults.map(({ path }) => path),
    [],
  );
});
