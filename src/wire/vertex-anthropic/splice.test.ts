import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessagesBody } from "../anthropic/body.ts";
import { scanMessagesBody } from "../anthropic/scan.ts";
import { spliceBody, type Edit } from "../anthropic/splice.ts";
import { vertexCountEdits, vertexEdits } from "./splice.ts";

function spliced(
  text: string,
  editsOf: (body: MessagesBody, chunks: readonly Buffer[]) => Edit[],
): string {
  const chunks = [Buffer.from(text)];
  const scan = scanMessagesBody(chunks);
  assert.ok(scan.ok);
  return Buffer.concat(spliceBody(chunks, editsOf(scan.body, chunks))).toString();
}

const TEXT = '{"model":"claude-opus-5", "stream":true,"messages":[]}';

test("a body of the Messages API becomes one of streamRawPredict: no model, stream kept", () => {
  assert.equal(
    spliced(TEXT, vertexEdits),
    '{ "stream":true,"messages":[],"anthropic_version":"vertex-2023-10-16"}',
  );
  const own = '{"anthropic_version":"vertex-next","messages":[]}';
  assert.equal(spliced(own, vertexEdits), own);
});

test("a count names its model in the body", () => {
  assert.equal(
    spliced(TEXT, vertexCountEdits),
    '{"model":"claude-opus-5", "stream":true,"messages":[],"anthropic_version":"vertex-2023-10-16"}',
  );
});
