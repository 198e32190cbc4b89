/** The matrix of doors is current, names tests that exist, and leaves little untested. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MATRIX_DOORS,
  REQUEST_CAPABILITIES,
  requestTest,
  type DoorName,
} from "../../scripts/door-matrix.ts";
import { doorsPage, matrixFigures, REQUEST_TESTS } from "../../scripts/doors-page.ts";
import { rowOf } from "../../src/providers/catalogue.ts";
import { filesOf } from "./sources.ts";

const DOORS_MIN = 8;
const UNTESTED_MAX = 0.3;
/** `test("name"`, also over two lines. */
const TITLE = /\b(?:test|it|describe)\(\s*(["'`])((?:\\.|(?!\1)[^\\])+)\1/g;
/** A quoted text on a line of its own or after `name:` or a bracket: a row of a table of tests. */
const ROW = /(?:^\s*|name: |\[|\()(["'])((?:\\.|(?!\1)[^\\\n])+)\1(?=,|\]|\))/gm;
/** Letters of a title besides its placeholders. */
const LETTERS_MIN = 5;
const PLACEHOLDER = /\$\{[^}]*\}/;
const PLACEHOLDERS = /\$\{[^}]*\}/g;

/** Whether a file has a test, or a row of a table of tests, of that name. */
function hasTest(path: string, name: string): boolean {
  if (path === REQUEST_TESTS) return requestNames().includes(name);
  const [file] = filesOf(path);
  const text = file?.text ?? "";
  const titles = [...text.matchAll(TITLE)].map(([, , title = ""]) => title);
  const telling = titles.filter((title) => isTelling(title));
  if (telling.some((title) => patternOf(title).test(name))) return true;
  const tells = /\b(?:test|it)\((?:\w+\.)?(?:name|shape\.name)\b|name,/.test(text);
  return tells && [...text.matchAll(ROW)].some(([, , row]) => row === name);
}

/** A suite that is named by a door of the desk. */
function isDoorCase(name: string): boolean {
  const [desk] = filesOf("tests/e2e/doors-desk.ts");
  return desk?.text.includes(`id: "${name}"`) ?? false;
}

/** A title that is nearly all placeholders would fit any name. */
function isTelling(title: string): boolean {
  return (
    !PLACEHOLDER.test(title) ||
    title.replace(PLACEHOLDERS, "").replace(/\W/g, "").length >= LETTERS_MIN
  );
}

function patternOf(title: string): RegExp {
  const parts = title
    .split(PLACEHOLDER)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".+")}$`);
}

function requestNames(): readonly string[] {
  return MATRIX_DOORS.flatMap(({ name }: { readonly name: DoorName }) =>
    REQUEST_CAPABILITIES.map((capability) => requestTest(name, capability)),
  );
}

test("docs/reference/doors.md is current", () => {
  const [page] = filesOf("docs/reference/doors.md");
  assert.ok(page?.text === doorsPage(), "run node scripts/doors-page.ts");
});

test("every test that the matrix names exists", () => {
  const { tests } = matrixFigures();
  assert.ok(tests.length > 0);
  const missing = tests.filter((cited) => {
    const [path = "", ...names] = cited.split(" › ");
    return !hasTest(path, names.at(-1) ?? "") || !names.slice(0, -1).every(isDoorCase);
  });
  assert.deepEqual(missing, []);
  const paths = new Set(tests.map((cited) => cited.split(" › ")[0] ?? ""));
  const credulous = [...paths].filter((path) => hasTest(path, "no test of any file is called so"));
  assert.deepEqual(credulous, []);
});

test("its doors are in the catalogue, and few of its cells are untested", () => {
  assert.ok(MATRIX_DOORS.length >= DOORS_MIN);
  for (const { kind, door } of MATRIX_DOORS)
    assert.ok(
      rowOf(kind)?.doors.some(({ id }) => id === door),
      `${kind} ${door}`,
    );
  const { cells, untested } = matrixFigures();
  assert.ok(untested / cells <= UNTESTED_MAX, `${untested} of ${cells}`);
});
