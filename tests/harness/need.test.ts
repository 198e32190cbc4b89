/** A missing Debian package is named: in the reason of a skip, and in CI in an error. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { debianPackage, programPath } from "./need.ts";

const ci = process.env["CI"];

beforeEach(() => delete process.env["CI"]);
afterEach(() => {
  if (ci === undefined) delete process.env["CI"];
  else process.env["CI"] = ci;
});

test("a test whose program is there runs", () => {
  assert.ok(programPath("sh")?.endsWith("/sh"));
  assert.deepEqual(debianPackage("dash", "sh"), { skip: false });
});

test("a test whose program is missing is skipped by the package's name", () => {
  const { skip } = debianPackage("no-such-package", "no-such-program");
  assert.match(String(skip), /no-such-package.*no-such-program/);
});

test("in CI a missing program is an error", () => {
  process.env["CI"] = "true";
  assert.throws(() => debianPackage("no-such-package", "no-such-program"), /no-such-package/);
});
