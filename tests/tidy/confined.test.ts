/** Things that only one place of the source may touch: the environment, the clocks, the terminal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSync, Visitor } from "oxc-parser";
import { filesOf, isTest, lineOf, type SourceFile } from "./sources.ts";

interface Confinement {
  /** As written: `name` or `object.member`. */
  readonly what: readonly string[];
  /** Prefixes of paths. */
  readonly to: readonly string[];
  readonly instead: string;
}

const CONFINED: readonly Confinement[] = [
  {
    what: ["process.env", "env from node:process"],
    to: ["src/config/", "src/cli/", "src/main.ts"],
    instead: "take the value from the configuration",
  },
  {
    what: ["Date.now", "new Date()", "performance.now", "process.hrtime", "Temporal.Now"],
    to: ["src/core/time.ts"],
    instead: "take a Clock, so that a test can step it",
  },
  { what: ["console"], to: ["src/cli/"], instead: "use the logger" },
  { what: ["fetch"], to: ["src/cli/"], instead: "use the upstream client" },
  { what: ["process.exit"], to: ["src/cli/"], instead: "return, or set process.exitCode" },
];

interface Use {
  readonly what: string;
  readonly offset: number;
}

function usesOf(file: SourceFile): readonly Use[] {
  const uses: Use[] = [];
  new Visitor({
    MemberExpression(node) {
      if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
      const { name } = node.object;
      uses.push({ what: name, offset: node.start });
      uses.push({ what: `${name}.${node.property.name}`, offset: node.start });
    },
    CallExpression(node) {
      if (node.callee.type === "Identifier")
        uses.push({ what: node.callee.name, offset: node.start });
    },
    NewExpression(node) {
      if (node.callee.type !== "Identifier" || node.arguments.length > 0) return;
      uses.push({ what: `new ${node.callee.name}()`, offset: node.start });
    },
    ImportDeclaration(node) {
      for (const specifier of node.specifiers) {
        if (specifier.type !== "ImportSpecifier" || specifier.imported.type !== "Identifier")
          continue;
        const what = `${specifier.imported.name} from ${node.source.value}`;
        uses.push({ what, offset: node.start });
      }
    },
  }).visit(parseSync(file.path, file.text).program);
  return uses;
}

function faultsOf(file: SourceFile): readonly string[] {
  const uses = usesOf(file);
  return CONFINED.filter(({ to }) => !to.some((place) => file.path.startsWith(place))).flatMap(
    ({ what, instead }) =>
      uses
        .filter((use) => what.includes(use.what))
        .map((use) => `${file.path}:${lineOf(file.text, use.offset)} ${use.what}: ${instead}`),
  );
}

test("environment, clocks and terminal are touched where they belong, and nowhere else", () => {
  const files = filesOf("src/**/*.ts").filter((file) => !isTest(file));
  assert.deepEqual(files.flatMap(faultsOf), []);
});

test("each confined thing is seen where it is planted", () => {
  const planted = {
    "process.env": 'const a = process.env["A"];',
    "env from node:process": 'import { env } from "node:process";',
    "Date.now": "const a = Date.now();",
    "new Date()": "const a = new Date();",
    "performance.now": "const clock = { now: () => performance.now() };",
    "process.hrtime": "const a = process.hrtime.bigint();",
    "Temporal.Now": "const a = Temporal.Now.instant();",
    console: 'console.error("a");',
    fetch: 'await fetch("http://a");',
    "process.exit": "process.exit(1);",
  };
  assert.deepEqual(Object.keys(planted).toSorted(), CONFINED.flatMap((row) => row.what).toSorted());
  for (const [what, text] of Object.entries(planted)) {
    const faults = faultsOf({ path: "src/ledger/a.ts", text });
    assert.equal(faults.length, 1, what);
  }
  assert.deepEqual(faultsOf({ path: "src/ledger/a.ts", text: "new Date(timeMs);" }), []);
});
