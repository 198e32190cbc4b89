import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { MessagesBody } from "./body.ts";
import { scanMessagesBody } from "./scan.ts";

function scanned(text: string): MessagesBody {
  const result = scanMessagesBody([Buffer.from(text)]);
  assert.ok(result.ok, result.ok ? "" : result.fault.problem);
  return result.body;
}

const FAULTS: readonly (readonly [body: string, offset: number, problem: RegExp])[] = [
  ["", 0, /empty/],
  ["  \n", 3, /empty/],
  ["\ufeff{}", 0, /byte order mark/],
  ["[]", 0, /not a JSON object/],
  ['"text"', 0, /not a JSON object/],
  [" null", 1, /not a JSON object/],
  ["{", 1, /ends before/],
  ['{"model"', 8, /ends before/],
  ['{"model":', 9, /ends before/],
  ['{"model":"a"', 12, /ends before/],
  ['{"model":"a",', 13, /ends before/],
  ['{"model":"a', 11, /ends inside a string/],
  ['{"model":"a\\', 12, /ends inside a string/],
  ['{"messages":[{"a":"', 19, /ends inside a string/],
  ['{"messages":[{', 14, /ends before/],
  ["{1:2}", 1, /key in double quotes/],
  ['{"a":1,}', 7, /key in double quotes/],
  ['{"a" 1}', 5, /colon/],
  ['{"a":}', 5, /value is expected/],
  ['{"a":1 "b":2}', 7, /comma/],
  ['{"a":[]]', 7, /comma/],
  ['{"a":1}x', 7, /bytes follow/],
  ['{"a":1}{}', 7, /bytes follow/],
  ['{"a":"\n"}', 6, /control character/],
  ['{"a\0":1}', 3, /control character/],
  ['{"a":"\\x"}', 6, /escape/],
  ['{"a":"\\u12g4"}', 6, /escape/],
  ['{"a":01}', 6, /comma/],
  ['{"a":-}', 6, /number/],
  ['{"a":1.}', 7, /number/],
  ['{"a":1e+}', 8, /number/],
  ['{"a":+1}', 5, /value is expected/],
  ['{"a":nul}', 5, /literal/],
  ['{"a":True}', 5, /value is expected/],
  ['{"a":[1,{"b":2]}}', 14, /other kind/],
  ['{"a":{"b":1]}', 11, /other kind/],
  ['{"model":"a","model":"b"}', 13, /"model" appears twice/],
  ['{"max_tokens":1,"max_t\\u006fkens":2}', 16, /"max_tokens" appears twice/],
  ['{"tools":[],"x":1,"tools":[]}', 18, /"tools" appears twice/],
];

for (const [body, offset, problem] of FAULTS) {
  test(`${JSON.stringify(body)} is refused at byte ${offset}`, () => {
    const result = scanMessagesBody([Buffer.from(body)]);
    assert.ok(!result.ok);
    assert.equal(result.fault.offset, offset);
    assert.match(result.fault.problem, problem);
  });
}

const GOVERNED = [
  "model",
  "stream",
  "max_tokens",
  "thinking",
  "metadata",
  "tools",
  "speed",
  "inference_geo",
  "service_tier",
  "context_management",
  "output_config",
  "mcp_servers",
  "cache_control",
  "fallbacks",
  "container",
  "system",
  "messages",
] as const;

for (const key of GOVERNED) {
  test(`${key} is found where it stands, in any spelling, and refused when repeated`, () => {
    const spelled = `\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`;
    for (const name of [key, spelled]) {
      const body = scanned(`{"a":1,"${name}" : [1] }`);
      const start = 7 + name.length + 5;
      assert.deepEqual({ ...body.fields }, { [key]: { start, end: start + 3 } });
    }
    assert.ok(!scanMessagesBody([Buffer.from(`{"${key}":1,"${spelled}":1}`)]).ok);
    assert.ok(scanMessagesBody([Buffer.from(`{"${key}x":1,"${key}x":1,"${key}":1}`)]).ok);
  });
}

test("values that the gateway decides by are decoded", () => {
  const user = JSON.stringify(JSON.stringify({ device_id: "d", session_id: "sitzung-é" }));
  const body = scanned(
    `{"model":"claude-\\u006fpus é","max_tokens":1e3,"stream":true,"metadata":{"user_id":${user}},` +
      `"thinking":{"type":"enabled","budget_tokens":2048},"inference_geo":"us","service_tier":"auto"}`,
  );
  assert.equal(body.model, "claude-opus é");
  assert.equal(body.maxTokens, 1000);
  assert.equal(body.stream, true);
  assert.equal(body.sessionId, "sitzung-é");
  assert.equal(body.thinkingBudgetTokens, 2048);
  assert.equal(body.facts.inferenceGeo, "us");
  assert.equal(body.facts.serviceTier, "auto");
});

test("values of another kind than expected read as missing", () => {
  const body = scanned(
    '{"model":5,"max_tokens":"9","stream":"true","metadata":{"user_id":"{no json"},"thinking":[1]}',
  );
  assert.equal(body.model, null);
  assert.equal(body.maxTokens, null);
  assert.equal(body.stream, false);
  assert.equal(body.sessionId, null);
  assert.equal(body.thinkingBudgetTokens, null);
  for (const value of ["-1", "1.5", "1e400", "9007199254740993", "null", "true", "[]"]) {
    assert.equal(scanned(`{"max_tokens":${value}}`).maxTokens, null, value);
  }
  assert.ok(Object.is(scanned('{"max_tokens":-0}').maxTokens, 0));
});

test("oversized metadata and thinking are not decoded", () => {
  const user = JSON.stringify(JSON.stringify({ session_id: "s", pad: "x".repeat(17_000) }));
  const body = scanned(
    `{"metadata":{"user_id":${user}},"thinking":{"budget_tokens":9,"pad":"${"x".repeat(1100)}"}}`,
  );
  assert.equal(body.sessionId, null);
  assert.equal(body.thinkingBudgetTokens, null);
});

test("a body cut at any byte is refused, whole it passes, however it is cut into chunks", () => {
  const text =
    '{"model":"claude-\\"é","max_tokens":-12.5e+3,"stream":false,"system":[{"type":"text","text":' +
    `"${"\\\\".repeat(40)}\\"}]"}],"messages":[{"role":"user","content":"${"x{[\\n".repeat(20)}"}]}`;
  const bytes = Buffer.from(text);
  const whole = scanMessagesBody([bytes]);
  assert.ok(whole.ok);
  for (let cut = 0; cut < bytes.length; cut++) {
    const result = scanMessagesBody([bytes.subarray(0, cut)]);
    assert.ok(!result.ok, `cut at ${cut}`);
    assert.equal(result.fault.offset, cut === 0 ? 0 : cut, `cut at ${cut}`);
    const halves = [bytes.subarray(0, cut), Buffer.alloc(0), bytes.subarray(cut)];
    assert.deepEqual(scanMessagesBody(halves), whole);
  }
});

test("runs of 0 to 130 backslashes end a string where JSON.parse does, at every place in a block", () => {
  for (let run = 0; run <= 130; run++) {
    for (let pad = 0; pad < 64; pad++) {
      const inner = `${"x".repeat(pad)}${"\\".repeat(run)}`;
      const text = `{"messages":["${inner}","]}"],"model":"m"}`;
      let parses = true;
      try {
        JSON.parse(text);
      } catch {
        parses = false;
      }
      assert.equal(
        scanMessagesBody([Buffer.from(text)]).ok,
        parses,
        `${run} backslashes after ${pad}`,
      );
    }
  }
});

test("escapes in top-level strings, at every place", () => {
  for (let pad = 0; pad < 40; pad++) {
    for (const escape of ["\\\\", '\\"', "\\u00e9", "\\/", "\\b\\f\\n\\r\\t"]) {
      const text = `{"model":"${"x".repeat(pad)}${escape}${"\\\\".repeat(pad)}","stream":true}`;
      const body = scanned(text);
      assert.equal(body.model, (JSON.parse(text) as { model: string }).model);
      assert.equal(body.stream, true);
    }
  }
});

test("100,000 levels of nesting pass; 300,000 are refused by name", () => {
  const nestedBody = (levels: number) =>
    Buffer.from(`{"messages":${"[".repeat(levels)}${"]".repeat(levels)},"model":"m"}`);
  const deep = scanMessagesBody([nestedBody(100_000)]);
  assert.ok(deep.ok);
  assert.equal(deep.body.model, "m");
  const deeper = scanMessagesBody([nestedBody(300_000)]);
  assert.ok(!deeper.ok);
  assert.match(deeper.fault.problem, /nest deeper than 262144/);
});

test("bodies beyond the kept memory are read, and later ones too", () => {
  const large = Buffer.from(`{"messages":["${"x".repeat(20 * 1024 * 1024)}"],"model":"large"}`);
  for (const bytes of [large, Buffer.from('{"model":"small"}'), large]) {
    const result = scanMessagesBody([bytes]);
    assert.ok(result.ok);
    assert.equal(result.body.model, bytes === large ? "large" : "small");
    assert.equal(result.body.byteLength, bytes.length);
  }
});

test("nothing of an earlier body shows in a later, shorter one", () => {
  scanned(
    `{"model":"m","tools":[{"type":"web_search_20250305"}],"messages":[{"type":"image"}],"x":"${"y".repeat(500)}"}`,
  );
  const body = scanned('{"stream":true}');
  assert.equal(body.model, null);
  assert.deepEqual({ ...body.fields }, { stream: { start: 10, end: 14 } });
  assert.equal(body.facts.images, 0);
  assert.deepEqual(body.facts.serverTools, []);
  assert.ok(!scanMessagesBody([Buffer.from('{"stream":tru')]).ok);
});

test("whatever JSON.stringify writes is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom(...GOVERNED)), fc.json()),
      (values) => {
        const body: Record<string, unknown> = {};
        for (const [key, json] of Object.entries(values)) {
          if (key !== "__proto__") body[key] = JSON.parse(json) as unknown;
        }
        const text = JSON.stringify(body);
        const found = scanned(text);
        const bytes = Buffer.from(text);
        for (const key of GOVERNED) {
          const range = found.fields[key];
          const value =
            range && (JSON.parse(bytes.toString("utf8", range.start, range.end)) as unknown);
          assert.deepEqual(value, body[key]);
        }
        assert.equal(found.isEmpty, Object.keys(body).length === 0);
      },
    ),
    { seed: 20261123, numRuns: 500 },
  );
});
