/** Whatever happens to a file, loading it gives faults or a configuration: it never throws. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import fc from "fast-check";
import { formatFault } from "../../src/config/fault.ts";
import { load, VIRTUAL_KEY } from "./loading.ts";

const EXAMPLE = readFileSync(fileURLToPath(new URL("example.yaml.txt", import.meta.url)), "utf8");
const environment = {
  ANTHROPIC_API_KEY: "hunter2-upstream",
  ADA_KEY: VIRTUAL_KEY,
  HTTPS_PROXY: "http://user:hunter2@proxy:3128",
  TOLLGATE_ADMIN_TOKEN: "hunter2-admin-token",
};
const SNIPPETS = [
  "{",
  "}",
  "[",
  "]",
  ":",
  "- ",
  "\n",
  "\t",
  '"',
  "'",
  "&a ",
  "*a",
  "!!binary ",
  "|\n",
  ">-\n",
  "?",
  "<<: *a",
  "---\n",
  "...",
  "null",
  "~",
  ".inf",
  ".nan",
  "0x1F",
  "-1",
  "1e400",
  "#",
  "%YAML 1.1\n",
  "__proto__",
  "constructor",
  "toString",
  "\0",
  "\u{1F600}",
  "\uD800",
  "env:",
  "file:/",
  "vk_",
];

interface Damage {
  readonly at: number;
  readonly cut: number;
  readonly put: string;
}

function damaged(text: string, damages: readonly Damage[]): string {
  let result = text;
  for (const { at, cut, put } of damages) {
    const start = Math.floor(at * result.length);
    result = result.slice(0, start) + put + result.slice(start + cut);
  }
  return result;
}

const damages = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 400 })),
    put: fc.oneof(fc.constantFrom(...SNIPPETS), fc.string({ maxLength: 6 })),
  }),
  { minLength: 1, maxLength: 4 },
);

test("a damaged file gives faults or a configuration, and no secret", () => {
  fc.assert(
    fc.property(damages, (list) => {
      const loaded = load(damaged(EXAMPLE, list), { environment });
      if (loaded.ok) return;
      assert.ok(loaded.faults.length > 0);
      for (const fault of loaded.faults) {
        const line = formatFault(fault);
        assert.match(line, /^tollgate\.yaml:[1-9]\d*:[1-9]\d* \S.*: \S/u);
        assert.ok(!line.includes("hunter2") && !line.includes(VIRTUAL_KEY), line);
      }
    }),
    { seed: 20_261_123, numRuns: 400 },
  );
});

test("anything at all as a file gives faults or a configuration", () => {
  const anything = fc.oneof(fc.string({ unit: "binary" }), fc.json(), fc.constantFrom(...SNIPPETS));
  fc.assert(
    fc.property(anything, (text) => {
      const loaded = load(text);
      assert.ok(loaded.ok || loaded.faults.length > 0);
    }),
    { seed: 20_261_123, numRuns: 800 },
  );
});

test("a file that loads still loads with one field taken away, or names that field", () => {
  const lines = EXAMPLE.split("\n");
  for (const [index] of lines.entries()) {
    const loaded = load(lines.toSpliced(index, 1).join("\n"), { environment });
    assert.ok(loaded.ok || loaded.faults.every(({ message }) => message.length > 0));
  }
});
