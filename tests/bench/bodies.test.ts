/** The bodies of the benchmark have the shape that they claim. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BODY_SIZES, chunksOf, messagesBody } from "../../bench/bodies.ts";
import { scanMessagesBody } from "../../src/wire/anthropic/scan.ts";

/** The client's order. */
const KEYS = ["model", "messages", "system", "tools", "metadata", "max_tokens", "thinking"];

for (const [size, bytes] of Object.entries(BODY_SIZES)) {
  test(`a body of ${size} has its size, and the shape of the client's`, () => {
    const body = messagesBody({ bytes, stream: true });
    assert.equal(body.length, bytes);
    const parsed = JSON.parse(body.toString()) as Record<string, unknown[]>;
    assert.deepEqual(Object.keys(parsed).slice(0, KEYS.length), KEYS);
    const text = body.toString("latin1");
    assert.equal(text.split('"cache_control"').length - 1, 3);
    const escapes = (text.split("\\").length - 1) / bytes;
    assert.ok(escapes > 0.01 && escapes < 0.04, `${escapes} escapes a byte`);
    if (bytes >= 100_000) {
      const toolBytes = JSON.stringify(parsed["tools"]).length;
      assert.ok(toolBytes > 29_000 && toolBytes < 73_000, `${toolBytes} bytes of tools`);
    }
  });

  test(`a body of ${size} in pieces is what the gateway reads, and the same each time`, () => {
    const body = messagesBody({ bytes, stream: false });
    const chunks = chunksOf(body);
    assert.deepEqual(Buffer.concat(chunks), messagesBody({ bytes, stream: false }));
    const scanned = scanMessagesBody(chunks);
    assert.ok(scanned.ok);
    assert.equal(scanned.body.stream, false);
    assert.equal(scanned.body.facts.obscured, false);
    assert.equal(scanned.body.facts.cacheMarkers, "5m");
  });
}
