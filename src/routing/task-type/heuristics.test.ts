/** Task types: hints first, shapes else; and evidence from headers and the scanned body. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { evidenceOf, MESSAGES_BYTES, taskOf, type TaskEvidence } from "./heuristics.ts";

/** The main loop of Claude Code without hints. */
const MAIN: TaskEvidence = {
  hint: null,
  hintsCompaction: false,
  hasAgent: false,
  hasSession: true,
  toolCount: 12,
  serverToolCount: 0,
  outputConfig: '{"effort":"medium"}',
  systemStart: '[{"type":"text","text":"x-anthropic-billing-header: cc_entrypoint=cli;"}',
  messagesEnd: '{"role":"user","content":"Do it"}]',
};
const TITLE_CONFIG =
  '{"format":{"type":"json_schema","schema":{"type":"object","properties":{"title":{"type":"string"}}}}}';

function said(differing: Partial<TaskEvidence>): string {
  const { type, source } = taskOf({ ...MAIN, ...differing });
  return `${type} ${source}`;
}

test("a hint is believed; an unknown one is none", () => {
  for (const hint of ["main", "subagent", "workflow", "compaction"])
    assert.equal(said({ hint }), `${hint} hint`);
  assert.equal(said({ hint: "side_reply" }), "auxiliary hint");
  assert.equal(said({ hint: "toString" }), "main heuristic");
  assert.equal(said({ hint: "main", hintsCompaction: true }), "compaction hint");
});

test("what the hint calls auxiliary is told apart by its shape, and the row says so", () => {
  const side = { hint: "auxiliary", toolCount: 0 };
  assert.equal(said({ ...side, outputConfig: TITLE_CONFIG }), "title heuristic");
  assert.equal(said({ ...side, systemStart: "Summarize the tool calls" }), "summary heuristic");
  assert.equal(said(side), "auxiliary hint");
  assert.equal(said({ hint: "auxiliary", outputConfig: TITLE_CONFIG }), "auxiliary hint");
});

const SHAPES: readonly (readonly [Partial<TaskEvidence>, string])[] = [
  [{}, "main"],
  [{ hasAgent: true }, "subagent"],
  [{ systemStart: '[{"type":"text","text":"x: cc_is_subagent=true;"}' }, "subagent"],
  [{ hasSession: false }, "other"],
  [{ toolCount: 0, outputConfig: TITLE_CONFIG }, "title"],
  [{ toolCount: 0, outputConfig: TITLE_CONFIG.replace("title", "name") }, "title"],
  [{ toolCount: 0, outputConfig: TITLE_CONFIG.replace("title", "ok") }, "auxiliary"],
  [{ toolCount: 0 }, "auxiliary"],
  [{ toolCount: 1, serverToolCount: 1 }, "auxiliary"],
  [{ messagesEnd: "an <analysis> block followed by a <summary> block." }, "compaction"],
  [{ messagesEnd: "Simply answer the question with the information you have." }, "auxiliary"],
];

for (const [differing, type] of SHAPES)
  test(`without a hint: ${JSON.stringify(differing)} is ${type}`, () =>
    assert.equal(said(differing), `${type} heuristic`));

test("evidence reads the ends of the fields, in whatever pieces the body came", () => {
  const system = '"x cc_is_subagent=true; é"';
  const messages = `[${"x".repeat(MESSAGES_BYTES)}the end]`;
  const text = `{"system":${system},"messages":${messages}}`;
  const bytes = Buffer.from(text);
  const rangeOf = (part: string) => {
    const start = bytes.indexOf(part);
    return { start, end: start + Buffer.byteLength(part) };
  };
  const body = {
    sessionId: null,
    fields: { system: rangeOf(system), messages: rangeOf(messages) },
    facts: { tools: 3, serverTools: [{}] },
  };
  const headers = { "x-claude-code-request-class": "main", "x-claude-code-agent-id": "a" };
  const whole = evidenceOf(headers, body, [bytes]);
  for (const size of [1, 7, 1000]) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    assert.deepEqual(evidenceOf(headers, body, chunks), whole);
  }
  assert.ok(whole.messagesEnd.endsWith("the end]"));
  assert.equal(whole.messagesEnd.length, MESSAGES_BYTES);
  assert.ok(whole.systemStart.startsWith('"x cc_is_subagent=true;'));
  assert.deepEqual(
    [whole.hint, whole.hasAgent, whole.hasSession, whole.toolCount, whole.serverToolCount],
    ["main", true, false, 3, 1],
  );
});
