import assert from "node:assert/strict";
import { test } from "node:test";
import { credentialHeaders } from "./auth.ts";
import { providerKinds, rowOf } from "./catalogue.ts";

for (const kind of providerKinds()) {
  test(`row ${kind} is complete`, () => {
    const row = rowOf(kind);
    assert.ok(row !== null);
    assert.equal(row.kind, kind);
    assert.match(row.checkedOn, /^20\d\d-[01]\d-[0-3]\d$/);
    assert.notEqual(row.source, "");
    assert.ok(row.billing.outputTokensPerSecondMax > 0);
    if (row.baseUrl !== null) {
      assert.ok(!row.baseUrl.endsWith("/"), "paths are appended to it");
      assert.ok(URL.canParse(row.baseUrl));
    }
    for (const path of [row.paths.messages, row.paths.countTokens, row.paths.models]) {
      assert.ok(path === null || path.startsWith("/v1/"));
    }
  });
}

test("an unknown kind has no row, whatever its name", () => {
  for (const kind of ["anthropc", "", "constructor", "__proto__"]) assert.equal(rowOf(kind), null);
});

test("a credential goes where the scheme says, and nowhere without one", () => {
  const key = credentialHeaders({ kind: "header", name: "x-api-key", prefix: "" }, "s3cret");
  assert.deepEqual(key, { "x-api-key": "s3cret" });
  const bearer = { kind: "header", name: "authorization", prefix: "Bearer " } as const;
  assert.deepEqual(credentialHeaders(bearer, "s3cret"), { authorization: "Bearer s3cret" });
  assert.deepEqual(credentialHeaders({ kind: "none" }, "s3cret"), {});
});
