import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  eventFrame,
  eventStreamFrame,
  exceptionFrame,
} from "../../../tests/harness/event-stream.ts";
import { createEventStreamDecoder, FRAME_MAX_BYTES } from "./decode.ts";

const SEED = 20261123;

function decoded(chunks: readonly Buffer[]) {
  const decoder = createEventStreamDecoder();
  const messages = chunks.flatMap((chunk) => [...decoder.feed(chunk)]);
  return { messages, fault: decoder.fault, isBetweenMessages: decoder.isBetweenMessages };
}

function cutAt(whole: Buffer, cuts: readonly number[]): Buffer[] {
  const borders = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length];
  borders.sort((left, right) => left - right);
  return borders.slice(1).map((border, index) => whole.subarray(borders[index], border));
}

/** A prelude whose own checksum is right, whatever it claims. */
function prelude(frameBytes: number, headerBytes: number): Buffer {
  const frame = eventStreamFrame({}, Buffer.alloc(0));
  const bytes = Buffer.from(frame.subarray(0, 12));
  bytes.writeUInt32BE(frameBytes, 0);
  bytes.writeUInt32BE(headerBytes, 4);
  bytes.writeUInt32BE(crcOf(bytes.subarray(0, 8)), 8);
  return bytes;
}

function crcOf(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("a message as ConverseStream sends it", () => {
  const { messages, fault, isBetweenMessages } = decoded([
    eventFrame("messageStart", { role: "assistant" }),
  ]);
  assert.equal(fault, null);
  assert.equal(isBetweenMessages, true);
  assert.deepEqual(messages, [
    {
      messageType: "event",
      eventType: "messageStart",
      exceptionType: null,
      errorMessage: null,
      payload: Buffer.from('{"role":"assistant"}'),
    },
  ]);
});

test("the bytes of a published InvokeModelWithResponseStream frame", () => {
  // AWS's documentation of the framing and a public trace agree on these header bytes.
  const text =
    "\x0b:event-type\x07\x00\x05chunk\x0d:content-type\x07\x00\x10application/json\x0d:message-type\x07\x00\x05event";
  const frame = eventFrame("chunk", { bytes: "e30=" });
  assert.equal(frame.subarray(12, 12 + text.length).toString("latin1"), text);
  assert.equal(frame.readUInt32BE(4), 0x4b);
  assert.equal(frame.readUInt32BE(0), frame.length);
});

test("exceptions and errors without a model are told apart", () => {
  const frames = [
    exceptionFrame("throttlingException", { message: "slow down" }),
    eventStreamFrame(
      { ":message-type": "error", ":error-code": "InternalFailure", ":error-message": "oops" },
      "",
    ),
    eventStreamFrame({}, "x"),
  ];
  const { messages, fault } = decoded(frames);
  assert.equal(fault, null);
  assert.deepEqual(
    messages.map(({ messageType, eventType, exceptionType, errorMessage }) => ({
      messageType,
      eventType,
      exceptionType,
      errorMessage,
    })),
    [
      {
        messageType: "exception",
        eventType: null,
        exceptionType: "throttlingException",
        errorMessage: null,
      },
      {
        messageType: "error",
        eventType: null,
        exceptionType: "InternalFailure",
        errorMessage: "oops",
      },
      { messageType: "", eventType: null, exceptionType: null, errorMessage: null },
    ],
  );
});

const frames = fc.array(
  fc.tuple(fc.string({ maxLength: 20, unit: "binary" }), fc.uint8Array({ maxLength: 6000 })),
  { minLength: 1, maxLength: 5 },
);

test("any cut of a stream gives the same messages", () => {
  fc.assert(
    fc.property(frames, fc.array(fc.nat()), (parts, cuts) => {
      const whole = Buffer.concat(
        parts.map(([name, payload]) =>
          eventStreamFrame({ ":event-type": name, ":message-type": "event" }, Buffer.from(payload)),
        ),
      );
      const { messages, fault, isBetweenMessages } = decoded(cutAt(whole, cuts));
      assert.equal(fault, null);
      assert.equal(isBetweenMessages, true);
      assert.deepEqual(
        messages.map(({ eventType, payload }) => [eventType, [...payload]]),
        parts.map(([name, payload]) => [Buffer.from(name).toString(), [...payload]]),
      );
    }),
    { seed: SEED, numRuns: 200 },
  );
});

test("a flipped bit anywhere is detected, and nothing after it is believed", () => {
  const first = eventFrame("contentBlockDelta", { delta: { text: "é" }, contentBlockIndex: 0 });
  const second = eventFrame("messageStop", { stopReason: "end_turn" });
  for (let bit = 0; bit < first.length * 8; bit++) {
    const bytes = Buffer.from(Buffer.concat([first, second]));
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    const { messages, fault, isBetweenMessages } = decoded([bytes]);
    assert.deepEqual(messages, [], `bit ${bit}`);
    assert.match(fault ?? "", /checksum/, `bit ${bit}`);
    assert.equal(isBetweenMessages, false);
  }
});

test("an end in the middle of a message is seen", () => {
  const whole = Buffer.concat([eventFrame("a", {}), eventFrame("b", {})]);
  for (let end = 0; end <= whole.length; end++) {
    const { messages, isBetweenMessages } = decoded([whole.subarray(0, end)]);
    assert.equal(isBetweenMessages, end === 0 || end === whole.length || end * 2 === whole.length);
    assert.equal(messages.length, Math.floor((end * 2) / whole.length));
  }
});

test("lengths that contradict each other or are too large are a fault before any wait", () => {
  for (const [frameBytes, headerBytes, expected] of [
    [15, 0, /contradict/],
    [0, 0, /contradict/],
    [16, 1, /contradict/],
    [64, 0xffffffff, /contradict/],
    [FRAME_MAX_BYTES + 1, 0, /over 16777216 bytes/],
    [0xffffffff, 0, /over 16777216 bytes/],
  ] as const) {
    const { messages, fault } = decoded([prelude(frameBytes, headerBytes)]);
    assert.deepEqual(messages, []);
    assert.match(fault ?? "", expected);
  }
});

test("headers that claim to be longer than their message are a fault and read no other memory", () => {
  const good = eventStreamFrame({ ":event-type": "abcdef" }, "payload");
  const hostile = Buffer.from(good);
  // The value's length, after the name's length, the name, and the type.
  hostile.writeUInt16BE(60000, 12 + 1 + ":event-type".length + 1);
  hostile.writeUInt32BE(crcOf(hostile.subarray(0, -4)), hostile.length - 4);
  assert.match(decoded([hostile]).fault ?? "", /headers/);
});

test("a length that is only claimed reserves no memory", () => {
  const before = process.memoryUsage().arrayBuffers;
  const decoders = Array.from({ length: 64 }, () => {
    const decoder = createEventStreamDecoder();
    decoder.feed(prelude(FRAME_MAX_BYTES, 0));
    decoder.feed(Buffer.from("x"));
    return decoder;
  });
  assert.ok(decoders.every(({ fault }) => fault === null));
  assert.ok(process.memoryUsage().arrayBuffers - before < 4 * 1024 * 1024);
});

test("no bytes whatever make it throw", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
          fc.uint8Array({ maxLength: 60 }).map((bytes) => {
            const frame = Buffer.concat([
              prelude(bytes.length + 16, bytes.length),
              bytes,
              Buffer.alloc(4),
            ]);
            frame.writeUInt32BE(crcOf(frame.subarray(0, -4)), frame.length - 4);
            return frame;
          }),
        ),
        { maxLength: 6 },
      ),
      (chunks) => {
        const { messages, fault } = decoded(chunks);
        assert.ok(messages.length <= chunks.length * 20);
        assert.ok(fault === null || fault.length > 0);
      },
    ),
    { seed: SEED, numRuns: 1000 },
  );
});
