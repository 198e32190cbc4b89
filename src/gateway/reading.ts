/** Reads usage out of an answer while it passes through, whatever its framing and encoding. */
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from "node:zlib";
import type { Transform } from "node:stream";
import type { BilledUsage } from "../core/usage.ts";
import {
  createStreamUsageReader,
  readErrorEnvelope,
  readJsonUsage,
  type StreamUsageReader,
} from "../wire/anthropic/usage.ts";

/** A whole answer larger than this is relayed all the same, but its usage is not looked for. */
const DOCUMENT_BYTES_MAX = 64 * 1024 * 1024;

/** What has been read of an answer so far. */
export interface Reading {
  /** The exact input is known: a stream's `message_start` has passed. */
  readonly started: boolean;
  /** The provider's last word on usage has passed. */
  readonly final: boolean;
  /** Usage as reported so far; null where none could be read. */
  readonly billed: BilledUsage | null;
  /** Bytes of content relayed: never fewer than its tokens. */
  readonly contentBytes: number;
  /** Of a stream; null where it is not known. */
  readonly stopReason: string | null;
  /** The provider's own error envelope, or an error event inside the stream. */
  readonly error: { readonly type: string; readonly message: string } | null;
  readonly refusedBeforeOutput: boolean;
}

export interface AnswerReader {
  readonly feed: (chunk: Buffer) => void;
  /** How far it has got; exact for plain streams, up to date only after `finish` for encoded ones. */
  readonly reading: () => Reading;
  /** Reads what is still in a decoder. */
  readonly finish: () => Promise<Reading>;
}

/** A reader for an answer with this head. */
export function readAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
): AnswerReader {
  const streamed = status < 400 && (headers["content-type"] ?? "").includes("text/event-stream");
  const plain = streamed ? streamReader() : documentReader();
  const decoder = decoderFor(headers["content-encoding"]);
  return decoder === null ? plain : decoded(plain, decoder);
}

function streamReader(): AnswerReader {
  const reader = createStreamUsageReader();
  const reading = () => streamReading(reader);
  return { feed: (chunk) => reader.feed(chunk), reading, finish: () => Promise.resolve(reading()) };
}

function streamReading(reader: StreamUsageReader): Reading {
  const billed = reader.billed();
  return {
    started: reader.started,
    final: reader.final,
    billed,
    contentBytes: reader.contentBytes,
    stopReason: reader.stopReason,
    error: reader.errorEvent,
    refusedBeforeOutput: billed !== null && billed.passes.every((pass) => pass.free),
  };
}

function documentReader(): AnswerReader {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const reading = (): Reading => {
    const whole = bytes <= DOCUMENT_BYTES_MAX ? Buffer.concat(chunks) : null;
    const billed = whole === null ? null : readJsonUsage(whole);
    return {
      started: billed !== null,
      final: billed !== null,
      billed,
      contentBytes: bytes,
      stopReason: null,
      error: whole === null || billed !== null ? null : readErrorEnvelope(whole),
      refusedBeforeOutput: billed !== null && billed.passes.every((pass) => pass.free),
    };
  };
  return {
    feed(chunk) {
      bytes += chunk.length;
      if (bytes <= DOCUMENT_BYTES_MAX) chunks.push(chunk);
    },
    // Until it is complete a document says nothing.
    reading: () => ({
      started: false,
      final: false,
      billed: null,
      contentBytes: bytes,
      stopReason: null,
      error: null,
      refusedBeforeOutput: false,
    }),
    finish: () => Promise.resolve(reading()),
  };
}

function decoderFor(encoding: string | undefined): Transform | null {
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "deflate":
      return createInflate();
    case "br":
      return createBrotliDecompress();
    case "zstd":
      return createZstdDecompress();
    default:
      return null;
  }
}

/** We ask for no encoding; an upstream that encodes all the same is still read. */
function decoded(plain: AnswerReader, decoder: Transform): AnswerReader {
  let broken = false;
  const ended = new Promise<void>((resolve) => {
    decoder.on("data", (chunk: Buffer) => plain.feed(chunk));
    decoder.on("end", resolve);
    decoder.on("error", () => {
      broken = true;
      resolve();
    });
  });
  return {
    feed(chunk) {
      if (!broken) decoder.write(chunk);
    },
    reading: plain.reading,
    async finish() {
      decoder.end();
      await ended;
      return plain.finish();
    },
  };
}
