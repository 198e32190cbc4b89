import assert from "node:assert/strict";
import { test } from "node:test";
import { scanMessagesBody } from "../anthropic/scan.ts";
import { spliceBody } from "../anthropic/splice.ts";
import { invokeEdits } from "./splice.ts";

function spliced(text: string, betas: readonly string[]): string {
  const chunks = [Buffer.from(text)];
  const scan = scanMessagesBody(chunks);
  assert.ok(scan.ok);
  return Buffer.concat(spliceBody(chunks, invokeEdits(scan.body, chunks, betas))).toString();
}

test("a body of the Messages API becomes one of InvokeModel, key order kept", () => {
  const text =
    '{"model":"claude-opus-5","max_tokens":64,"messages":[{"role":"user","content":"model"}],"stream":true}';
  assert.equal(
    spliced(text, ["context-1m-2025-08-07", "interleaved-thinking-2025-05-14"]),
    '{"max_tokens":64,"messages":[{"role":"user","content":"model"}],"anthropic_version":"bedrock-2023-05-31",' +
      '"anthropic_beta":["context-1m-2025-08-07","interleaved-thinking-2025-05-14"]}',
  );
});

test("betas that Bedrock would refuse the request for are left out", () => {
  const betas = ["claude-code-20250219", "context-1m-2025-08-07", "oauth-2025-04-20"];
  assert.equal(
    spliced('{"max_tokens":1}', betas),
    '{"max_tokens":1,"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["context-1m-2025-08-07"]}',
  );
  assert.equal(
    spliced('{"max_tokens":1}', ["oauth-2025-04-20"]),
    '{"max_tokens":1,"anthropic_version":"bedrock-2023-05-31"}',
  );
});

test("without betas there is no anthropic_beta; what the body says itself stays", () => {
  assert.equal(
    spliced('{"model":"m","max_tokens":1}', []),
    '{"max_tokens":1,"anthropic_version":"bedrock-2023-05-31"}',
  );
  const own = '{"max_tokens":1,"anthropic_beta":["own"],"anthropic_version":"bedrock-next"}';
  assert.equal(spliced(own, ["other"]), own);
});
