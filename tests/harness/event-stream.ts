/** Writes AWS event-stream framing for scripted upstreams, on its own and not with the library that reads it. */
import { crc32 } from "node:zlib";

const STRING = 7;

/** One frame with string headers; lengths and checksums as Smithy's event-stream specification has them. */
export function eventStreamFrame(
  headers: Readonly<Record<string, string>>,
  payload: Buffer | string,
): Buffer {
  const body = Buffer.from(payload);
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const text = Buffer.from(value);
      return Buffer.concat([
        Buffer.from([Buffer.byteLength(name)]),
        Buffer.from(name),
        Buffer.from([STRING, text.length >> 8, text.length & 0xff]),
        text,
      ]);
    }),
  );
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(head.length + body.length + 16, 0);
  prelude.writeUInt32BE(head.length, 4);
  const start = Buffer.concat([prelude, checksum(prelude), head, body]);
  return Buffer.concat([start, checksum(start)]);
}

/** An event as Bedrock sends it. */
export function eventFrame(eventType: string, json: unknown): Buffer {
  return eventStreamFrame(
    { ":event-type": eventType, ":content-type": "application/json", ":message-type": "event" },
    JSON.stringify(json),
  );
}

/** An exception in the middle of a stream, as Bedrock sends it. */
export function exceptionFrame(exceptionType: string, json: unknown): Buffer {
  return eventStreamFrame(
    {
      ":exception-type": exceptionType,
      ":content-type": "application/json",
      ":message-type": "exception",
    },
    JSON.stringify(json),
  );
}

/** An event of the Messages API as InvokeModelWithResponseStream wraps it, padding included. */
export function invokeFrame(event: string | object): Buffer {
  const text = typeof event === "string" ? event : JSON.stringify(event);
  return eventFrame("chunk", { bytes: Buffer.from(text).toString("base64"), p: "abcdef" });
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum;
}
