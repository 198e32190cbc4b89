/** Which folder of the source may know which, and which packages each may use. */
import assert from "node:assert/strict";
import { posix } from "node:path";
import { test } from "node:test";
import { parseSync } from "oxc-parser";
import { filesOf, isTest, type SourceFile } from "./sources.ts";

interface Row {
  /** Folders, besides itself and `core`. A trailing `!` is for types alone. */
  readonly folders: string;
  /** Packages and parts of Node, with the same mark. Tests beside the source may use any. */
  readonly packages: string;
}

const RULES = "pricing wire journal identity ledger policy config";

const MAY_IMPORT: Readonly<Record<string, Row>> = {
  // Words
  core: { folders: "", packages: "node:crypto" },
  version: { folders: "", packages: "node:fs" },
  // Rules
  pricing: { folders: "", packages: "" },
  wire: {
    folders: "",
    packages: "node:crypto node:string_decoder node:zlib @smithy/eventstream-codec",
  },
  journal: { folders: "", packages: "node:crypto node:fs node:path node:sqlite" },
  identity: { folders: "journal!", packages: "node:crypto node:zlib" },
  ledger: { folders: "pricing! config! journal!", packages: "temporal-polyfill" },
  policy: { folders: "pricing ledger identity config wire journal!", packages: "" },
  config: {
    folders: "pricing identity providers wire",
    packages: "zod yaml node:crypto node:fs node:fs/promises node:net node:path",
  },
  // Mechanisms
  providers: {
    folders: "wire pricing",
    packages:
      "undici @smithy/signature-v4 node:crypto node:dns node:fs/promises node:http node:net node:stream node:tls",
  },
  routing: {
    folders: "providers policy config pricing! wire! journal!",
    packages: "@marcbachmann/cel-js node:crypto",
  },
  store: { folders: "journal! pricing!", packages: "kysely node:sqlite node:fs node:path" },
  views: {
    folders: "journal store pricing",
    packages:
      "kysely node:sqlite! temporal-polyfill node:events node:path node:timers/promises node:worker_threads",
  },
  telemetry: { folders: "version", packages: "pino prom-client" },
  // Ways in
  gateway: {
    folders: `${RULES} providers routing telemetry`,
    packages:
      "node:crypto node:events node:http node:https node:net node:stream node:timers/promises node:zlib",
  },
  control: {
    folders: `${RULES} providers telemetry views version`,
    packages: "fastify zod node:crypto node:fs node:http node:net node:path",
  },
  cli: {
    folders: `${RULES} providers views control node main version`,
    packages:
      "commander zod undici yaml node:child_process node:fs node:fs/promises node:http node:os node:path node:stream node:url node:util",
  },
  // Composition: parts made of each other, and started
  node: {
    folders: `${RULES} providers routing store views telemetry gateway control version`,
    packages:
      "node:crypto node:fs node:http node:https node:net node:path node:tls node:worker_threads",
  },
  main: {
    folders: `${RULES} providers routing store views telemetry gateway control node version`,
    packages: "node:crypto node:fs node:fs/promises node:http node:https node:os node:path",
  },
};

interface Import {
  readonly specifier: string;
  readonly typesOnly: boolean;
}

/** Everything that a file imports or exports from elsewhere; a computed name counts as written. */
function importsOf(file: SourceFile): readonly Import[] {
  const { module } = parseSync(file.path, file.text);
  const imports: Import[] = module.staticImports.map((found) => ({
    specifier: found.moduleRequest.value,
    typesOnly: found.entries.length > 0 && found.entries.every((entry) => entry.isType),
  }));
  for (const { isType, moduleRequest } of module.staticExports.flatMap((found) => found.entries)) {
    if (moduleRequest !== null) imports.push({ specifier: moduleRequest.value, typesOnly: isType });
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const written = file.text.slice(moduleRequest.start, moduleRequest.end);
    imports.push({ specifier: written.replace(/^["'`]|["'`]$/g, ""), typesOnly: false });
  }
  return imports;
}

/** `src/ledger/fold.ts` → "ledger"; `src/main.ts` → "main"; null outside the source. */
function folderOf(path: string): string | null {
  const [root, folder = ""] = path.split("/");
  return root === "src" ? posix.basename(folder, ".ts") : null;
}

function allows(list: string, name: string, typesOnly: boolean): boolean {
  const names = list.split(" ");
  return names.includes(name) || (typesOnly && names.includes(`${name}!`));
}

/** What is wrong with one import of `file`, or null. */
function faultOf(file: SourceFile, { specifier, typesOnly }: Import): string | null {
  const folder = folderOf(file.path) ?? "";
  const row = MAY_IMPORT[folder];
  if (row === undefined) return `src/${folder} has no row in the import table`;
  if (!specifier.startsWith(".")) {
    const name = specifier.startsWith("node:") ? specifier : packageOf(specifier);
    if (isTest(file) || allows(row.packages, name, typesOnly)) return null;
    return `${folder} must not use the package ${name}${typesOnly ? "" : " (at run time)"}`;
  }
  const target = folderOf(posix.join(posix.dirname(file.path), specifier));
  if (target === null) return isTest(file) ? null : "source must not leave src/";
  if (target === folder || target === "core") return null;
  if (allows(row.folders, target, typesOnly)) return null;
  return `${folder} must not know ${target}${typesOnly ? "" : " (at run time)"}`;
}

/** "@scope/name/part" → "@scope/name". */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

test("every import points where its folder may look", () => {
  const files = filesOf("src/**/*.ts");
  const faults = files.flatMap((file) =>
    importsOf(file).flatMap((found) => {
      const fault = faultOf(file, found);
      return fault === null ? [] : [`${file.path} imports ${found.specifier}: ${fault}`];
    }),
  );
  assert.deepEqual(faults, []);
});

test("the table sees a planted fault of each kind", () => {
  const cases = [
    ["src/core/a.ts", 'import { b } from "../ledger/b.ts";', "core must not know ledger"],
    ["src/ledger/a.ts", 'import { b } from "../journal/b.ts";', "ledger must not know journal"],
    ["src/ledger/a.ts", 'import type { B } from "../journal/b.ts";', null],
    ["src/wire/a.ts", 'export { b } from "../policy/b.ts";', "wire must not know policy"],
    ["src/wire/a.ts", 'const b = await import("undici");', "must not use the package undici"],
    ["src/wire/a.ts", "const b = await import(name);", "must not use the package name"],
    ["src/wire/a.test.ts", 'import fc from "fast-check";', null],
    ["src/novel/a.ts", 'import { b } from "../core/b.ts";', "has no row"],
    ["src/wire/a.ts", 'import { b } from "../../tests/b.ts";', "must not leave src/"],
  ] as const;
  for (const [path, text, expected] of cases) {
    const file = { path, text };
    const fault = importsOf(file).map((found) => faultOf(file, found))[0] ?? null;
    if (expected === null) assert.equal(fault, null, text);
    else assert.ok(fault?.includes(expected), `${text} gave ${fault}`);
  }
});
