/** The fast reader of plain YAML never says anything but what the whole YAML parser says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { readAnyYaml, readPlainly } from "../../src/config/document.ts";
import type { Path } from "../../src/config/fault.ts";
import { loadConfig } from "../../src/config/load.ts";
import { KNOWN_KINDS } from "./loading.ts";
import { fleetFile } from "./fleet-file.ts";

const SEED = Number(process.env["TOLLGATE_SEED"] ?? Date.now() % 1_000_000);
const EXAMPLE = readFileSync(new URL("example.yaml.txt", import.meta.url), "utf8");
const FAULTY = JSON.parse(
  readFileSync(new URL("fault-cases.json", import.meta.url), "utf8"),
) as readonly { readonly text: string }[];

/** True where the fast reader took the text; then it has to agree with the parser on all of it. */
function agrees(text: string): boolean {
  const plain = readPlainly(text);
  if (plain === null) return false;
  const whole = readAnyYaml(text, "f");
  assert.deepEqual(whole.faults, [], text);
  assert.deepEqual(plain.root, whole.root, text);
  for (const path of pathsIn(plain.root, [])) {
    for (const part of ["key", "value"] as const)
      assert.deepEqual(plain.positionOf(path, part), whole.positionOf(path, part), text);
  }
  return true;
}

/** Every path of the values, and below each map and list one that is not there. */
function pathsIn(value: unknown, path: Path): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  const within = entries.flatMap(([segment, item]) => pathsIn(item, [...path, segment]));
  return [path, [...path, "absent"], ...within];
}

test("files as people write them are plain", () => {
  const fleet = fleetFile(20);
  assert.ok(agrees(EXAMPLE));
  assert.ok(agrees(fleet));
  const document: unknown = parse(fleet, { schema: "core" });
  assert.ok(agrees(JSON.stringify(document)));
  assert.ok(agrees(JSON.stringify(document, null, 2)));
  assert.ok(agrees(`# made by hand\n\n${fleet.replaceAll("\n", " # why\n\n  # and\n")}`));
  assert.ok(FAULTY.some(({ text }) => agrees(text)));
});

test("a list may stand no deeper than its key", () => {
  assert.ok(
    agrees("customers:\n- id: a\n  budgets:\n  - usd: 5\n    per: day\n- id: b\nmode: enforce\n"),
  );
});

const word = fc.oneof(
  fc.constantFrom(
    ..."30s 5h 127.0.0.1:8080 10.0.0.0/8 env:SECRET 5 0 007 1.5 1. 1e3 0x1f 0o7 true False NULL null".split(
      " ",
    ),
    ..."~ .5 -1 +1 .inf 2027-06-30 2027-06-30T00:00:00Z claude-* *x &x !x a:b a: :a a#b #a - -- --- ... ? | > % @ `".split(
      " ",
    ),
    ..."{ } [ ] , a,b 'a' \"a\" 'it''s' \"\\n\" 1_000 12345678901234567890 1.50 12e Europe/Berlin dev@acme.example ü".split(
      " ",
    ),
    "two words",
    "a - b",
    "a  b",
    "a # b",
    "",
    " ",
    "a\tb",
    "\u00a0",
    "\u2028",
    "<<",
    "__proto__",
    "usd",
    "labels",
  ),
  fc.string({ maxLength: 6 }),
);
const key = fc.oneof(
  fc.constantFrom("usd", "labels", "id", "per", "input", "models", "a-b", "x.y"),
  word,
);
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(word, fc.integer({ min: -9, max: 1e9 }), fc.constantFrom(0.25, 5.5, true, null)),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4 }),
  ),
})).value;

test(`whatever YAML is printed, by seed ${SEED}`, () => {
  let taken = 0;
  const form = fc.record({
    indent: fc.constantFrom(2, 3),
    indentSeq: fc.boolean(),
    defaultStringType: fc.constantFrom(
      "PLAIN" as const,
      "QUOTE_DOUBLE" as const,
      "QUOTE_SINGLE" as const,
    ),
    collectionStyle: fc.constantFrom("any" as const, "block" as const, "flow" as const),
    lineWidth: fc.constantFrom(0, 20),
  });
  const property = fc.property(values, form, (value, options) => {
    taken += Number(
      agrees(stringify(value, { ...options, schema: "core", aliasDuplicateObjects: false })),
    );
  });
  fc.assert(property, { seed: SEED, numRuns: 1500 });
  assert.ok(taken > 50, `${taken} were plain`);
});

test(`texts with a few things changed, by seed ${SEED}`, () => {
  const sources = [EXAMPLE, fleetFile(2), JSON.stringify(parse(fleetFile(1)), null, 2)];
  const pieces = fc.constantFrom(
    ..."\n|  |- |: |:|#| #|,|, |{|}|[|]|\"|'|''|\\|*|&a |!|~|null|\t|\r\n|---\n|...|? ||>|%|@|a|1|-|. |\n\n|\n  |\n    ".split(
      "|",
    ),
  );
  let taken = 0;
  const change = fc.record({ at: fc.nat(), cut: fc.nat({ max: 6 }), put: pieces });
  const property = fc.property(
    fc.constantFrom(...sources),
    fc.array(change, { minLength: 1, maxLength: 3 }),
    (source, changes) => {
      let text = source;
      for (const { at, cut, put } of changes) {
        const from = at % text.length;
        text = text.slice(0, from) + put + text.slice(from + cut);
      }
      taken += Number(agrees(text));
    },
  );
  fc.assert(property, { seed: SEED, numRuns: 1500 });
  assert.ok(taken > 50, `${taken} were plain`);
});

test("thousands of keys load faster than the whole parser reads them, and in a time that grows with them", () => {
  const small = fleetFile(500);
  const large = fleetFile(5000);
  // The first of each is for the compiler.
  const times = [0, 1, 2].map(() => ({
    small: timed(() => load(small)),
    large: timed(() => load(large)),
    parser: timed(() => parse(small)),
  }));
  const least = (name: "small" | "large" | "parser") =>
    Math.min(...times.map((time) => time[name]));
  const byParser = least("large") / (10 * least("parser"));
  assert.ok(byParser < 0.7, `a load takes ${byParser} of what the parser takes to read it`);
  const growth = least("large") / least("small");
  assert.ok(growth < 25, `ten times the keys take ${growth} times as long`);
});

function timed(run: () => unknown): number {
  const started = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(started);
  return user + system;
}

function load(text: string): void {
  const loaded = loadConfig({
    file: "f",
    environment: { SECRET: "sk-upstream" },
    knownKinds: KNOWN_KINDS,
    readFile: () => text,
  });
  assert.ok(loaded.ok);
}
