import assert from "node:assert/strict";
import { test } from "node:test";
import type { BodyFacts } from "../../core/body-facts.ts";
import { scanMessagesBody } from "./scan.ts";

function factsOf(text: string): BodyFacts {
  const result = scanMessagesBody([Buffer.from(text)]);
  assert.ok(result.ok, result.ok ? "" : result.fault.problem);
  return result.body.facts;
}

/** A body with one user message of these content blocks. */
function blocks(...content: string[]): string {
  return `{"model":"m","messages":[{"role":"user","content":[${content.join(",")}]}]}`;
}

function tools(...entries: string[]): string {
  return `{"model":"m","tools":[${entries.join(",")}],"messages":[]}`;
}

test("a plain body costs its bytes and nothing else", () => {
  const text = blocks('{"type":"text","text":"gr\u00fc\u00df \\u00e9 \\\\u0041"}');
  assert.deepEqual(factsOf(text), {
    asciiBytes: text.length - 2,
    nonAsciiBytes: 4,
    unicodeEscapes: 1,
    tools: 0,
    serverTools: [],
    providerTools: 0,
    images: 0,
    opaqueInput: false,
    cacheMarkers: "none",
    compaction: false,
    fallbacks: [],
    fast: false,
    inferenceGeo: null,
    serviceTier: null,
    obscured: false,
  });
});

const HIDDEN: readonly (readonly [what: string, body: string, expected: Partial<BodyFacts>])[] = [
  [
    "an escaped cache_control key",
    blocks('{"type":"text","c\\u0061che_control":{"type":"ephemeral"}}'),
    { cacheMarkers: "5m", obscured: true },
  ],
  ["an escaped ttl value", blocks('{"cache_control":{"ttl":"1\\u0068"}}'), { cacheMarkers: "1h" }],
  [
    "an escaped ttl key",
    blocks('{"cache_control":{"t\\u0074l":"1h"}}'),
    { cacheMarkers: "1h", obscured: true },
  ],
  ["a ttl that is neither", blocks('{"cache_control":{"ttl":"2h"}}'), { cacheMarkers: "1h" }],
  [
    "two ttls",
    blocks('{"cache_control":{"ttl":"1h","ttl":"5m"}}'),
    { cacheMarkers: "1h", obscured: true },
  ],
  ["a top-level marker", '{"cache_control":{"type":"ephemeral"}}', { cacheMarkers: "5m" }],
  [
    "a top-level marker of an hour",
    '{"cache_control":{"type":"ephemeral","ttl":"1h"}}',
    { cacheMarkers: "1h" },
  ],
  ["an escaped top-level marker", '{"cache\\u005fcontrol":{}}', { cacheMarkers: "5m" }],
  [
    "a marker on a tool",
    tools('{"name":"a","input_schema":{},"cache_control":{"type":"ephemeral","ttl":"1h"}}'),
    { cacheMarkers: "1h", tools: 1 },
  ],
  [
    "a marker of an advisor's own",
    tools('{"type":"advisor_20260301","caching":{"ttl":"1h"}}'),
    { cacheMarkers: "1h" },
  ],
  [
    "an image inside a tool result",
    blocks(
      '{"type":"tool_result","content":[{"type":"image","source":{"type":"base64","data":""}}]}',
    ),
    { images: 1, opaqueInput: false },
  ],
  [
    "an image with an escaped type",
    blocks('{"type":"im\\u0061ge"}'),
    { images: 1, obscured: true },
  ],
  ["an image with an escaped key", blocks('{"typ\\u0065":"image"}'), { images: 1, obscured: true }],
  ["two types", blocks('{"type":"image","type":"text"}'), { images: 1, obscured: true }],
  ["spaces around a type", blocks('{"type"\n : \t "image"}'), { images: 1 }],
  [
    "a document",
    blocks('{"type":"document","source":{"type":"text","data":"x"}}'),
    { opaqueInput: true },
  ],
  [
    "an escaped document",
    blocks('{"type":"d\\u006fcument"}'),
    { opaqueInput: true, obscured: true },
  ],
  [
    "a file source",
    blocks('{"type":"image","source":{"type":"file","file_id":"f"}}'),
    { opaqueInput: true, images: 1 },
  ],
  [
    "a URL source",
    blocks('{"type":"image","source":{"type":"url","url":"u"}}'),
    { opaqueInput: true, images: 1 },
  ],
  ["an upload", blocks('{"type":"container_upload","file_id":"f"}'), { opaqueInput: true }],
  ["redacted thinking", blocks('{"type":"redacted_thinking","data":"x"}'), { opaqueInput: true }],
  [
    "encrypted content",
    blocks(
      '{"type":"web_search_tool_result","content":[{"type":"web_search_result","encrypted_content":"x"}]}',
    ),
    { opaqueInput: true },
  ],
  ["a block type of tomorrow", blocks('{"type":"hologram"}'), { opaqueInput: true }],
  ["a type too long to be known", blocks(`{"type":"${"x".repeat(600)}"}`), { opaqueInput: true }],
  ["a container", '{"container":"c"}', { opaqueInput: true }],
  ["a conversation that the server holds", '{"thread":{"type":"continue"}}', { opaqueInput: true }],
  ["a thread hidden behind a null", '{"thread":{},"thread":null}', { opaqueInput: true }],
  [
    "compaction in context edits",
    '{"context_management":{"edits":[{"type":"compact_20260112"}]}}',
    { compaction: true },
  ],
  [
    "a context edit of tomorrow",
    '{"context_management":{"edits":[{"type":"fold_2027"}]}}',
    { compaction: true },
  ],
  [
    "an escaped context edit",
    '{"context_management":{"edits":[{"type":"c\\u006fmpact_20260112"}]}}',
    { compaction: true, obscured: true },
  ],
  ["compaction on demand", '{"compaction":{"type":"summarize"}}', { compaction: true }],
  ["fast mode", '{"speed":"fast"}', { fast: true }],
  ["an escaped fast mode", '{"speed":"f\\u0061st"}', { fast: true }],
  ["a speed of tomorrow", '{"speed":"ludicrous"}', { fast: true }],
  [
    "fast fallbacks",
    '{"fallbacks":[{"model":"a","speed":"fast"}]}',
    { fast: true, fallbacks: ["a"] },
  ],
  ["default fallbacks", '{"fallbacks":"default"}', { fallbacks: "default" }],
  ["escaped default fallbacks", '{"fallbacks":"d\\u0065fault"}', { fallbacks: "default" }],
  [
    "fallbacks without a model",
    '{"fallbacks":[{"model":"a"},{}]}',
    { fallbacks: "default", obscured: true },
  ],
  [
    "fallbacks that name a model twice",
    '{"fallbacks":[{"model":"a","model":"b"}]}',
    { obscured: true },
  ],
  [
    "too many fallbacks",
    `{"fallbacks":[${'{"model":"a"},'.repeat(2000)}{"model":"a"}]}`,
    { fallbacks: "default", obscured: true },
  ],
  [
    "uses in another spelling",
    tools('{"type":"web_search_20250305","max_uses":1e3}'),
    { serverTools: [{ type: "web_search_20250305", maxUses: 1000, model: null }] },
  ],
  [
    "uses twice",
    tools('{"type":"web_search_20250305","max_uses":1,"max_uses":9}'),
    { obscured: true },
  ],
  [
    "uses as a string",
    tools('{"type":"web_search_20250305","max_uses":"9"}'),
    { obscured: true, serverTools: [{ type: "web_search_20250305", maxUses: null, model: null }] },
  ],
  ["uses below zero", tools('{"type":"web_search_20250305","max_uses":-1}'), { obscured: true }],
  ["uses in fractions", tools('{"type":"web_search_20250305","max_uses":1.5}'), { obscured: true }],
  [
    "uses under an escaped key",
    tools('{"type":"web_search_20250305","max\\u005fuses":9}'),
    { obscured: true },
  ],
  [
    "an escaped server tool",
    tools('{"type":"web\\u005fsearch_20250305"}'),
    { obscured: true, serverTools: [{ type: "web_search_20250305", maxUses: null, model: null }] },
  ],
  ["a tool with a type that is no string", tools('{"type":5}'), { obscured: true }],
  [
    "a tool with two types",
    tools('{"type":"web_search_20250305","type":"custom"}'),
    { obscured: true },
  ],
  [
    "a server tool of tomorrow",
    tools('{"type":"oracle_20270101"}'),
    { serverTools: [{ type: "oracle_20270101", maxUses: null, model: null }] },
  ],
  [
    "a server tool defined in a message",
    blocks(
      '{"type":"tool_addition","tool":{"type":"tool_definition","definition":{"type":"web_search_20250305","max_uses":2}}}',
    ),
    { tools: 1, serverTools: [{ type: "web_search_20250305", maxUses: 2, model: null }] },
  ],
];

for (const [what, body, expected] of HIDDEN) {
  test(`${what}: the dearer reading`, () => {
    const facts = factsOf(body);
    for (const [name, value] of Object.entries(expected)) {
      assert.deepEqual(facts[name as keyof BodyFacts], value, name);
    }
  });
}

test("text that looks like a marker is text, and arguments of tools are no blocks", () => {
  const inner = JSON.stringify('{"type":"image","cache_control":{"ttl":"1h"},"type":"document"}');
  const facts = factsOf(
    `{"tools":[{"name":"a","description":${inner},"input_schema":{"type":"object","properties":{"type":{"type":"image"},` +
      `"cache_control":{"ttl":"1h"},"max_uses":{"type":"file"}}},"input_examples":[{"type":"document"}]}],` +
      `"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"a","input":{"type":"image",` +
      `"file_id":"x","deep":[{"type":"document","cache_control":1}],"t\\u0079pe":"url"}}]},` +
      `{"role":"user","content":[{"type":"tool_result","content":${inner}}]},{"role":"user","content":${inner}}]}`,
  );
  assert.equal(facts.images, 0);
  assert.equal(facts.opaqueInput, false);
  assert.equal(facts.cacheMarkers, "none");
  assert.equal(facts.obscured, false);
  assert.equal(facts.tools, 1);
  assert.deepEqual(facts.serverTools, []);
});

test("what follows arguments is read again", () => {
  const facts = factsOf(
    blocks(
      '{"type":"tool_use","input":{"a":[[{}]]},"cache_control":{"ttl":"1h"}}',
      '{"type":"image"}',
      '{"input":5}',
      '{"type":"image"}',
    ),
  );
  assert.equal(facts.cacheMarkers, "1h");
  assert.equal(facts.images, 2);
});

test("an input that is no tool's arguments is read", () => {
  assert.equal(factsOf(blocks('{"type":"x","source":{"input":{"type":"image"}}}')).images, 1);
  assert.equal(factsOf('{"messages":[{"input":{"type":"image"}}]}').images, 1);
  assert.equal(factsOf('{"system":[{"input":{"type":"image"}}]}').images, 1);
});

test("a definition outside messages defines no tool", () => {
  const facts = factsOf(
    '{"output_config":{"format":{"schema":{"properties":{"definition":{"type":"string"}}}}},"system":[{"definition":{"type":"x_1"}}]}',
  );
  assert.equal(facts.tools, 0);
  assert.deepEqual(facts.serverTools, []);
});

test("the same unknown type counts in every field that holds it", () => {
  const type = '{"type":"fold_2027"}';
  const facts = factsOf(
    `{"tool_choice":${type},"output_config":${type},"context_management":[${type}],"system":[${type},${type}]}`,
  );
  assert.ok(facts.compaction);
  assert.ok(facts.opaqueInput);
});

test("tools are told apart by who runs them", () => {
  const facts = factsOf(
    '{"tools":[{"name":"a","input_schema":{}},{"type":"custom"},{"type":null},{"type":"bash_20250124"},' +
      '{"type":"computer_toolset_20260801"},{"type":"mcp_toolset","mcp_server_name":"s"},{"type":"code_execution_20260521"},' +
      '{"type":"advisor_20260301","model":"claude-\\u006fpus","max_uses":3}],"mcp_servers":[{"type":"url","url":"u"},{"type":"url"}]}',
  );
  assert.equal(facts.tools, 8);
  assert.equal(facts.providerTools, 5);
  assert.deepEqual(facts.serverTools, [
    { type: "code_execution_20260521", maxUses: null, model: null },
    { type: "advisor_20260301", maxUses: 3, model: "claude-opus" },
    { type: "mcp", maxUses: null, model: null },
    { type: "mcp", maxUses: null, model: null },
  ]);
  assert.equal(facts.opaqueInput, false);
});

test("nulls are not there", () => {
  const facts = factsOf(
    '{"container":null,"thread":null,"compaction":null,"speed":null,"fallbacks":null,"cache_control":null,' +
      '"messages":[{"content":[{"type":"text","cache_control":null},{"type":"text","cache_control":null}]}]}',
  );
  assert.deepEqual(
    [
      facts.opaqueInput,
      facts.compaction,
      facts.fast,
      facts.fallbacks,
      facts.cacheMarkers,
      facts.obscured,
    ],
    [false, false, false, [], "none", false],
  );
});

test("a marker is found at every place of a block, beside any other string", () => {
  for (let pad = 0; pad < 140; pad++) {
    const facts = factsOf(
      blocks(
        `{"type":"text","text":"${"x".repeat(pad)}","cache_control" : {"type":"ephemeral","ttl":"1h"}},{"type":"image"}`,
      ),
    );
    assert.equal(facts.cacheMarkers, "1h", `after ${pad} bytes`);
    assert.equal(facts.images, 1, `after ${pad} bytes`);
    const escaped = factsOf(
      blocks(`{"type":"text","text":"${"x".repeat(pad)}","cache\\u005fcontrol":{}}`),
    );
    assert.equal(escaped.cacheMarkers, "5m", `escaped, after ${pad} bytes`);
    assert.ok(escaped.obscured);
  }
});

test("hostile numbers of types and tools end in the worst case, not in memory", () => {
  const types = (name: (index: number) => string) =>
    factsOf(blocks(...Array.from({ length: 5000 }, (_, index) => `{"type":"${name(index)}"}`)));
  assert.ok(types((index) => `search_result${index % 2}`).obscured);
  assert.ok(!types(() => "search_result").obscured);
  const many = factsOf(tools(...Array.from({ length: 10_001 }, () => '{"type":"web_search_1"}')));
  assert.ok(many.obscured);
  assert.equal(many.tools, 10_001);
  assert.equal(many.serverTools.length, 10_000);
});

test("a history of ordinary length is not obscured", () => {
  const turn =
    '{"type":"tool_use","input":{"a":1}},{"type":"tool_result","content":[{"type":"text","text":"x"}]}';
  assert.ok(!factsOf(blocks(...Array.from({ length: 20_000 }, () => turn))).obscured);
});
