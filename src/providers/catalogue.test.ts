/** Every row is complete, its templates can be filled, and what it names has a price. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPriceBook } from "../pricing/price-book.ts";
import { SELF_HOSTED_KINDS } from "../pricing/tables/self-hosted.ts";
import { QUIRKS } from "../wire/egress.ts";
import { providerKinds, rowOf } from "./catalogue.ts";
import { baseUrlOf, doorFor, doorHeaders, namesIn, pathOf, upstreamModel } from "./models.ts";
import type { ProviderRow } from "./row.ts";

const NOVEMBER = Date.parse("2026-11-23T12:00:00Z");
const SETTING = /^(?:region|project|location|resource|api_version|workspace|account)$/;
const book = createPriceBook([]);
const rows = providerKinds().flatMap((kind) => rowOf(kind) ?? []);

/** A value for every setting that a row knows. */
function settingsOf(row: ProviderRow): Record<string, string> {
  return Object.fromEntries(row.settings.map((name) => [name, "europe-west1"]));
}

test("there are at least thirty providers of at least eight formats' doors", () => {
  assert.ok(rows.length >= 32, `${rows.length} rows`);
  const formats = new Set(rows.flatMap(({ doors }) => doors.map(({ format }) => format)));
  assert.equal(formats.size, 7);
});

for (const row of rows) {
  test(`row ${row.kind} is complete`, () => {
    assert.equal(rowOf(row.kind), row);
    assert.match(row.kind, /^[a-z][a-z0-9-]*$/);
    assert.match(row.checkedOn, /^20\d\d-[01]\d-[0-3]\d$/);
    assert.notEqual(row.source, "");
    assert.ok(row.auth.length > 0);
    assert.ok(row.billing.outputTokensPerSecondMax > 0);
    assert.ok(row.can.imageTokensMax > 0);
    for (const quirk of row.quirks) assert.ok(Object.hasOwn(QUIRKS, quirk), quirk);
    assert.equal(new Set(row.quirks).size, row.quirks.length, "each quirk once");
    for (const name of row.settings) assert.match(name, SETTING);
  });

  test(`addresses of ${row.kind} can be filled in, and need no setting but its own`, () => {
    const settings = settingsOf(row);
    const base = baseUrlOf(row, null, settings);
    assert.equal(base === null, row.baseUrl === null);
    if (base !== null) {
      assert.ok(URL.canParse(base), base);
      assert.ok(!base.endsWith("/"), "paths are appended to it");
    }
    assert.ok(row.doors.length > 0);
    assert.equal(new Set(row.doors.map(({ id }) => id)).size, row.doors.length);
    for (const door of row.doors) {
      for (const template of Object.values(door.paths)) {
        if (template === null) continue;
        const path = pathOf(template, settings, "a/b:c");
        assert.ok(path !== null && path.startsWith("/"), template);
        assert.ok(!path.includes("{"), path);
      }
      assert.notEqual(doorHeaders(door, settings), null);
    }
    if (row.modelList !== null) assert.deepEqual(namesIn(row.modelList.path), []);
  });

  test(`models of ${row.kind} have one name each, a door and a price`, () => {
    const names = row.models.flatMap(({ id, aliases }) => [id, ...aliases.filter((a) => a !== id)]);
    assert.equal(new Set(names).size, names.length);
    for (const { id, aliases } of row.models) {
      for (const name of [id, ...aliases]) assert.equal(upstreamModel(row, [], name), id);
      assert.notEqual(doorFor(row, null, id), null, id);
      assert.equal(book.resolve(id, NOVEMBER, row.kind).source, "listed", id);
    }
  });

  test(`prices of ${row.kind} have a source, or nothing names any`, () => {
    const isPriced = row.models.length > 0 || row.kind === "claude-platform-aws";
    if (isPriced) assert.match(row.priceSource ?? "", /^https:/);
    if (SELF_HOSTED_KINDS.has(row.kind)) {
      assert.equal(row.priceSource, null);
      assert.ok(row.auth.some(({ kind }) => kind === "none"));
      assert.equal(book.resolve("any", NOVEMBER, row.kind).rates.output, 0n);
    }
  });
}

test("every kind that a price list names is in the catalogue", () => {
  for (const kind of SELF_HOSTED_KINDS) assert.ok(rowOf(kind), kind);
  const listed = providerKinds().filter((kind) => book.wireIds(kind).length > 0);
  assert.ok(listed.length >= 20, `${listed.length} kinds with a table of their own`);
});

test("an unknown kind has no row, whatever its name", () => {
  for (const kind of ["anthropc", "", "constructor", "__proto__"]) assert.equal(rowOf(kind), null);
});
