/** Ids of meters and keys of windows can be read back, whatever stands in the ids of scopes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CALENDAR_PERIODS, SCOPE_TYPES, type Span, type Unit } from "../core/span.ts";
import { detachedMeter } from "./ledger.ts";
import { meterId, newWindow, parseMeterId, parseWindowKey, perText } from "./meter.ts";
import type { MeterIdentity } from "./state.ts";

const UNITS: readonly Unit[] = [
  "usd",
  "cost",
  "requests",
  "input_tokens",
  "output_tokens",
  "concurrent",
];
const idCharacter = fc.constantFrom("a", "b", "%", "|", "#", "@", ":", "/", '"', "é", "😀", ".");
const scopeId = fc.string({ unit: idCharacter, minLength: 1, maxLength: 12 });

/** Objects as the product makes them. */
const PLAIN = { noNullPrototype: true };
const span: fc.Arbitrary<Span | null> = fc.oneof(
  fc.record(
    {
      kind: fc.constant("calendar" as const),
      per: fc.constantFrom(...CALENDAR_PERIODS),
      timeZone: fc.constantFrom("UTC", "Europe/Berlin", "Etc/GMT+5", "America/Argentina/Salta"),
    },
    PLAIN,
  ),
  fc.record(
    {
      kind: fc.constant("rolling" as const),
      spanMs: fc.nat({ max: 1e9 }),
      text: fc.constantFrom("90s", "5h", "7d"),
    },
    PLAIN,
  ),
  fc.constantFrom(
    { kind: "total" } as const,
    { kind: "session" } as const,
    { kind: "subagent" } as const,
    null,
  ),
);

const identity: fc.Arbitrary<MeterIdentity> = fc.record(
  {
    scope: fc.record(
      { type: fc.constantFrom(...SCOPE_TYPES, "provider_key" as const), id: scopeId },
      PLAIN,
    ),
    unit: fc.constantFrom(...UNITS),
    span,
    burst: fc.option(fc.nat()),
  },
  PLAIN,
);

test("a meter's id says all that identifies it", () => {
  fc.assert(
    fc.property(identity, (meter) => assert.deepEqual(parseMeterId(meterId(meter)), meter)),
  );
});

test("two meters have one id only where they are the same", () => {
  fc.assert(
    fc.property(identity, identity, (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other);
      assert.equal(meterId(one) === meterId(other), same);
    }),
  );
});

test("a window's key names its meter, its instance, its session and its agent", () => {
  const time = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2030, 0) });
  const name = fc.string({ unit: idCharacter, minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(identity, time, name, name, (of, timeMs, sessionName, agent) => {
      const meter = detachedMeter(meterId(of));
      const named = { virtualKey: "ada@acme", name: sessionName };
      const sessions = { session: named, subagent: { ...named, agent } };
      const kind = of.span?.kind ?? "total";
      const session = kind === "session" || kind === "subagent" ? sessions[kind] : null;
      const window = newWindow(meter, timeMs, session);
      const parts = parseWindowKey(window.key);
      assert.equal(parts.meterId, meter.id);
      assert.deepEqual(parts.session, session);
      assert.equal(parts.instantMs, window.startMs);
      assert.equal(newWindow(meter, parts.instantMs ?? timeMs, parts.session).key, window.key);
    }),
  );
});

test("what is no id is told", () => {
  for (const id of ["", "usd", "virtual_key/ada", "virtual_key/ada|usd|year|UTC", "ada|usd|total"])
    assert.equal(parseMeterId(id), null, id);
});

test("spans are called as in the configuration", () => {
  assert.equal(perText(null), "");
  assert.equal(perText({ kind: "calendar", per: "week", timeZone: "UTC" }), "week");
  assert.equal(perText({ kind: "rolling", spanMs: 18_000_000, text: "5h" }), "5h");
  assert.equal(perText({ kind: "session" }), "session");
  assert.equal(perText({ kind: "subagent" }), "subagent");
});
