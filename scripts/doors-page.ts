/** Writes docs/reference/doors.md from the matrix of doors; with --check only says whether it is fresh. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ANSWER_SAYS, evidenceOf } from "./door-evidence.ts";
import {
  CAPABILITIES,
  MATRIX_DOORS,
  REQUEST_CAPABILITIES,
  requestSays,
  requestTest,
  type Capability,
  type Cell,
  type DoorName,
  type RequestCapability,
} from "./door-matrix.ts";

const TARGET = fileURLToPath(new URL("../docs/reference/doors.md", import.meta.url));
/** Its tests are named by `requestTest`. */
export const REQUEST_TESTS = "tests/docs/door-requests.test.ts";

const HEAD = `# Doors and what was tested of them

Written from \`scripts/door-matrix.ts\` and \`scripts/door-evidence.ts\` by \`node scripts/doors-page.ts\`; a test keeps it current, and checks that every
test that is named here exists. What a translated request loses: [losses.md](losses.md). Who has which door: [providers.md](providers.md).

A door is one way into a provider. All tests run against scripted servers that speak the door's wire format; no real account was used for any of
them, and no cell says that a provider accepts what it is sent. What a model can do with it is the model's own affair.

- **yes**: arrives as what it is. **in words**: arrives as a text that says so. **left out**: changes no meaning, is left out and told in
  \`tollgate-dropped\`. **refused**: refused with a sentence, or left out and told, as the route's \`on_unsupported\` says. **estimated**: the gateway's own figure,
  marked as such.
- **untested**: nobody has looked.

`;

function cellOf(door: DoorName, capability: Capability): Cell {
  const own = evidenceOf(door, capability);
  const says = ANSWER_SAYS[door]?.[capability];
  if (isRequest(capability)) {
    const tests = [`${REQUEST_TESTS} › ${requestTest(door, capability)}`, ...own];
    return { says: says ?? requestSays(door, capability), tests };
  }
  return own.length === 0 ? null : { says: says ?? "yes", tests: own };
}

function isRequest(capability: Capability): capability is RequestCapability {
  return REQUEST_CAPABILITIES.some((each) => each === capability);
}

export interface MatrixFigures {
  readonly cells: number;
  readonly untested: number;
  /** `file › name`, each once. */
  readonly tests: readonly string[];
}

export function matrixFigures(): MatrixFigures {
  const all = MATRIX_DOORS.flatMap(({ name }) =>
    CAPABILITIES.map((capability) => cellOf(name, capability)),
  );
  return {
    cells: all.length,
    untested: all.filter((cell) => cell === null).length,
    tests: [...new Set(all.flatMap((cell) => cell?.tests ?? []))],
  };
}

/** The page as it must stand. */
export function doorsPage(): string {
  const { cells, untested } = matrixFigures();
  const share = ((untested / cells) * 100).toFixed(0);
  const sum = `Of ${cells} cells ${untested} are untested (${share} %).\n\n`;
  return `${HEAD}${overview()}\n${sum}${MATRIX_DOORS.map(({ name }) => sectionOf(name)).join("\n")}`;
}

function overview(): string {
  const names = MATRIX_DOORS.map(({ name }) => name);
  const rows = CAPABILITIES.map((capability) => [
    capability,
    ...names.map((name) => wordOf(name, capability)),
  ]);
  return table(["", ...names.map((name) => `[${name}](#${name})`)], rows);
}

function wordOf(door: DoorName, capability: Capability): string {
  return cellOf(door, capability)?.says ?? "untested";
}

function sectionOf(name: DoorName): string {
  const door = MATRIX_DOORS.find((each) => each.name === name);
  const rows = CAPABILITIES.flatMap((capability) => {
    const cell = cellOf(name, capability);
    if (cell === null) return [];
    return [[capability, cell.says, cell.tests.map(code).join("<br>")]];
  });
  const where = `Kind \`${door?.kind}\`, door \`${door?.door}\`.`;
  return `## ${name}\n\n${where}\n\n${table(["", "", "shown by"], rows)}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell) => (cell === "" ? " " : cell)).join(" | ")} |`;
  return [row(head), `|${"---|".repeat(head.length)}`, ...rows.map(row), ""].join("\n");
}

if (import.meta.main) {
  const page = doorsPage();
  if (!process.argv.includes("--check")) writeFileSync(TARGET, page);
  else if (readFileSync(TARGET, "utf8") !== page) {
    process.stderr.write("docs/reference/doors.md is stale: run node scripts/doors-page.ts\n");
    process.exitCode = 1;
  }
}
