/** What of a Messages request reaches each door's provider: the request's side of docs/reference/doors.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MATRIX_DOORS,
  REQUEST_CAPABILITIES,
  requestSays,
  requestTest,
  type MatrixDoor,
  type RequestCapability,
} from "../../scripts/door-matrix.ts";
import { rowOf } from "../../src/providers/catalogue.ts";
import { doorOf } from "../../src/providers/doors.ts";
import { doorFor, upstreamModel } from "../../src/providers/models.ts";
import { scanMessagesBody } from "../../src/wire/anthropic/scan.ts";
import { readCanonical } from "../../src/wire/canonical/read.ts";
import type { DoorBody } from "../../src/providers/door.ts";
import type { Unsupported } from "../../src/wire/egress.ts";

type Json = Readonly<Record<string, unknown>>;

const PNG = "aW1hZ2UtbWFyaw==";
const PDF = "cGRmLW1hcms=";
const READ = {
  name: "read_mark",
  description: "describes the mark",
  input_schema: {
    type: "object",
    properties: { path_mark: { type: "string" } },
    required: ["path_mark"],
    additionalProperties: false,
  },
};
/** As each format's own answers would have signed it. */
const SIGNATURES: Readonly<Record<string, string>> = {
  "openai-responses": "openai-responses.1.cnM.signaturemark",
  gemini: "tollgate-gemini:t=signaturemark",
};
const OWN_SIGNATURE = "signaturemark";

const user = (...content: readonly Json[]) => ({ role: "user", content });
const text = (said: string) => ({ type: "text", text: said });
const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } };
const call = (id: string) => ({
  type: "tool_use",
  id,
  name: "read_mark",
  input: { path_mark: id },
});
const result = (id: string, more: Json = {}) => ({
  type: "tool_result",
  tool_use_id: id,
  content: `result of ${id}`,
  ...more,
});
const turns = (...results: readonly Json[]) => [
  user(text("go")),
  { role: "assistant", content: results.map((each) => call(String(each["tool_use_id"]))) },
  user(...results),
];

interface Asked {
  readonly body: Json;
  /** What the provider must get, in this order. */
  readonly marks: readonly (string | RegExp)[];
  /** The field that tells of its loss. */
  readonly field?: string;
}

/** How a failed tool is told, in any of the formats. */
const FAILED = /"is_error":true|"status":"error"|The tool failed|Error: |"error":/;

function asked(capability: RequestCapability, format: string): Asked {
  switch (capability) {
    case "text":
      return {
        body: { system: [text("system mark")], messages: [user(text("user mark"))] },
        marks: [/system mark|user mark/, /system mark|user mark/],
      };
    case "streaming":
      return { body: { stream: true, messages: [user(text("hi"))] }, marks: [] };
    case "images":
      return { body: { messages: [user(text("see"), image)] }, marks: [PNG] };
    case "documents": {
      const source = { type: "base64", media_type: "application/pdf", data: PDF };
      return { body: { messages: [user({ type: "document", source })] }, marks: [PDF] };
    }
    case "tools":
      return {
        body: {
          tools: [READ],
          tool_choice: { type: "tool", name: "read_mark" },
          messages: turns(result("one")),
        },
        marks: [/read_mark/, /path_mark/, /result of one|describes the mark/],
      };
    case "parallel tools":
      return {
        body: { tools: [READ], messages: turns(result("one"), result("two")) },
        marks: ["result of one", "result of two"],
      };
    case "tool errors":
      return {
        body: { tools: [READ], messages: turns(result("one", { is_error: true })) },
        marks: [FAILED],
      };
    case "images in results":
      return {
        body: { tools: [READ], messages: turns(result("one", { content: [image] })) },
        marks: [PNG],
      };
    case "thinking round trip": {
      const signature = SIGNATURES[format] ?? OWN_SIGNATURE;
      const thinking = { type: "thinking", thinking: "thought mark", signature };
      const messages = [
        user(text("go")),
        { role: "assistant", content: [thinking, text("done")] },
        user(text("on")),
      ];
      return {
        body: { thinking: { type: "adaptive" }, messages },
        marks: [/thought mark|signaturemark/, /thought mark|signaturemark/],
        field: "thinking.signature",
      };
    }
    case "structured output": {
      const format = { type: "json_schema", schema: READ.input_schema };
      const body = { output_config: { format }, messages: [user(text("hi"))] };
      return { body, marks: ["path_mark"] };
    }
    case "stop sequences":
      return {
        body: { stop_sequences: ["stop mark"], messages: [user(text("hi"))] },
        marks: ["stop mark"],
        field: "stop_sequences",
      };
    case "cache markers": {
      const marked = { ...text("system mark"), cache_control: { type: "ephemeral" } };
      return {
        body: { system: [marked], messages: [user(text("hi"))] },
        marks: [/cache_control|cachePoint/],
        field: "cache_control",
      };
    }
  }
}

/** The same way as the gateway's: the catalogue's row, its door, its quirks. */
function prepared(door: MatrixDoor, body: Json, onUnsupported: "refuse" | "drop") {
  const row = rowOf(door.kind);
  assert.ok(row, door.kind);
  const model = upstreamModel(row, [], door.model);
  assert.ok(model, `${door.kind} serves ${door.model}`);
  const doorRow = doorFor(row, door.door, model);
  assert.ok(doorRow, door.door);
  const whole = { model: door.model, max_tokens: 4096, ...body };
  const chunks = [Buffer.from(JSON.stringify(whole))];
  const scanned = scanMessagesBody(chunks);
  assert.ok(scanned.ok);
  const read = readCanonical(whole);
  assert.ok(!("problem" in read), JSON.stringify(read));
  const made = doorOf(doorRow.format).prepare({
    body: scanned.body,
    chunks,
    edits: [],
    canonical: () => read,
    model,
    maxTokens: 4096,
    quirks: new Set(row.quirks),
    onUnsupported,
    betas: [],
    counts: false,
  });
  return { made, doorRow };
}

function assertCarried(made: DoorBody | Unsupported, marks: Asked["marks"]): void {
  assert.ok("chunks" in made, JSON.stringify(made));
  let rest = Buffer.concat([...made.chunks]).toString();
  assert.ok(JSON.parse(rest) !== null);
  for (const mark of marks) {
    const at = typeof mark === "string" ? rest.indexOf(mark) : rest.search(mark);
    assert.ok(at >= 0, `${String(mark)} is not in ${rest}`);
    rest = rest.slice(at + 1);
  }
}

for (const door of MATRIX_DOORS)
  for (const capability of REQUEST_CAPABILITIES)
    test(requestTest(door.name, capability), () => {
      const says = requestSays(door.name, capability);
      const format = rowOf(door.kind)?.doors.find(({ id }) => id === door.door)?.format ?? "";
      const { body, marks, field } = asked(capability, format);
      const { made, doorRow } = prepared(door, body, "refuse");
      if (says === "refused") {
        assert.ok("unsupported" in made);
        assert.equal(made.unsupported, field);
        const dropping = prepared(door, body, "drop").made;
        assert.ok("chunks" in dropping && dropping.dropped.includes(field ?? ""));
        return;
      }
      assert.ok("chunks" in made, JSON.stringify(made));
      if (says === "left out") assert.ok(made.dropped.includes(field ?? ""), made.dropped.join());
      else assertCarried(made, marks);
      if (capability !== "streaming") return;
      const streams = Buffer.concat([...made.chunks]).includes('"stream":true');
      assert.ok(streams || doorRow.paths.stream !== doorRow.paths.message);
    });
