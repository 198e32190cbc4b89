import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compileScanner } from "../../scripts/wasm/build.ts";

test("the committed scanner is what its source compiles to", async () => {
  const committed = readFileSync(
    new URL("../../src/wire/scanner-wasm.ts", import.meta.url),
    "utf8",
  );
  assert.equal(await compileScanner(), committed, "run scripts/wasm/build.ts");
});
